import Primitives

/// Scenes after a script: each is a story of its own, told at its own length, in an order that the
/// seed shuffles. What random steps do one at a time comes here in floods.
struct BurstWorkload: Workload {
    private enum Scene: CaseIterable {
        case opening, flood, workOff, poison, amends, exodus, ledger, shopfront, newspaper,
            clockwork
        case lull, impostors, reform, vault, noticeboard
    }

    private var script: [Scene] = []
    private var current = Scene.opening
    private var turnsLeft = 3
    private let width: Int

    init(_ entropy: inout SeededEntropy) {
        width = 1 << Int(entropy.next() % 6)
    }

    mutating func turn(_ entropy: inout SeededEntropy) -> [Step] {
        if turnsLeft == 0 {
            if script.isEmpty { script = Scene.allCases.shuffled(using: &entropy) }
            current = script.removeLast()
            turnsLeft = 1 + Int(entropy.next() % 8)
        }
        turnsLeft -= 1
        return play(&entropy)
    }

    private func play(_ entropy: inout SeededEntropy) -> [Step] {
        let any = entropy.next() % 1_000_000_007
        switch current {
        case .opening: return [.join(serving: Names.all), .route(any, isConditional: false)]
        case .flood:
            // One line of one queue, as fast as it can.
            let queue = Names.queues[Int(any % 3)]
            return (0..<width).map { place in
                .enqueue(queue: queue, function: "f", group: any >> 4, bytes: place * 7 % 300)
            }
        case .workOff: return (0..<2 * width).map { _ in .answer(entropy.next()) }
        case .poison:
            let one = Step.enqueue(queue: "default", function: "f", group: 0, bytes: 10)
            return [one] + (0..<width).map { _ in .fail(entropy.next()) }
                + [.pass(nanoseconds: 500_000_000)]
        case .amends: return amends(any)
        case .exodus:
            let leaves: [Step] = (0..<1 + any % 3).map { .leave(any >> $0) }
            let handlers: [String] = any % 2 == 0 ? ["f"] : Names.all
            return leaves + [.join(serving: handlers), .serve(0, "later")]
        case .ledger:
            // Many writers of one key, and readers in between.
            return (0..<width).flatMap { place -> [Step] in
                [
                    .update(key: any), .get(key: 2 * any + 1), .set(key: any, bytes: place),
                    place % 3 == 2 ? .delete(key: any) : .get(key: 2 * any),
                ]
            }
        case .shopfront:
            let visitors: [Step] = (0..<width).map { _ in .request }
            return [.route(0, isConditional: any % 3 == 0)] + visitors + [.answer(any), .answer(0)]
        case .newspaper:
            return [
                .subscribe(any, function: "sub", fifo: any % 2 == 0, isConditional: any % 5 == 0),
                .subscribe(any >> 3, function: "also", fifo: false, isConditional: false),
                .enqueue(queue: "single", function: "later", group: 0, bytes: 0),
            ] + (0..<width).map { _ in .publish(bytes: 20) } + [.answer(any)]
        case .clockwork:
            return [
                .cron(any, expression: any >> 5, isConditional: any % 4 == 0),
                .pass(nanoseconds: 1_000_000_000 + any % 3_000_000_000), .answer(any),
                any % 16 == 0 ? .jump(seconds: any % 3 == 0 ? -3600 : 864_000) : .call,
            ]
        case .vault: return vault(any, &entropy)
        case .noticeboard: return noticeboard(any)
        case .lull: return [.rest, .pass(nanoseconds: any % 35_000_000_000)]
        case .impostors:
            return [.join(serving: []), .lateAnswer(any), .wrongAnswer(any >> 7), .log]
        case .reform:
            let queue = Names.queues[Int(any % 3)]
            return [
                .define(queue: queue, concurrency: 1 + UInt32(any % 8)),
                .cease(any, "f"), .serve(any >> 3, "f"), .unsubscribe(any, function: "also"),
                .abandon(any),
            ]
        }
    }

    /// Of messages that wait, or have failed, in a queue or in a subscription's.
    private func amends(_ any: UInt64) -> [Step] {
        let queue = Names.mended[Int((any >> 8) % UInt64(Names.mended.count))]
        switch any % 16 {
        case 1: return [.purge(queue: queue)]
        case 2: return [.discardAll(queue: queue)]
        default: return [any % 4 == 0 ? .discard(queue: queue) : .redrive(queue: queue)]
        }
    }

    /// Many who compare and set one key, some of them late.
    private func vault(_ any: UInt64, _ entropy: inout SeededEntropy) -> [Step] {
        (0..<width).flatMap { place -> [Step] in
            let number = entropy.next() % 1_000_000_007
            return [
                .store(.compareAndSet(key: any, isRight: number % 3 > 0)),
                .set(key: any, bytes: place),
                .store(.transact(key: any >> 2, isRight: number % 5 > 0)), .get(key: 2 * any),
            ]
        }
    }

    /// Triggers, items and values that go by themselves, in one.
    private func noticeboard(_ any: UInt64) -> [Step] {
        let reactors: [Step] = (0..<2).map { .store(.react(any, key: $0)) }
        return reactors
            + (0..<width).flatMap { place -> [Step] in
                [
                    .store(.setItem(any >> 3, bytes: place)), .store(.getItem(any >> 3)),
                    .set(key: 0, bytes: 1),
                    .store(.setPassing(key: UInt64(place), milliseconds: 1 + any % 2000)),
                    .update(key: 1),
                    place % 4 == 3 ? .store(.deleteItem(any >> 3)) : .store(.tell(any)),
                    .answer(any),
                ]
            }
    }
}
