import Primitives

/// Independent random steps, each kind with a weight of its own for the seed: some are common, some
/// are never taken.
struct SteadyWorkload: Workload {
    private var weights: [UInt64]
    private let pace: UInt64
    private let bytes: UInt64

    init(_ entropy: inout SeededEntropy) {
        weights = (0..<Self.kinds).map { _ in
            entropy.next() % 5 == 0 ? 0 : 1 + entropy.next() % 10
        }
        // Without workers nothing happens, without results nothing ends.
        weights[0] = 2
        weights[1] = max(weights[1], 4)
        weights[2] = max(weights[2], 6)
        pace = 1 + entropy.next() % 6
        bytes = entropy.next() % 4 == 0 ? 2500 : 200
    }

    private static let kinds = 30

    mutating func turn(_ entropy: inout SeededEntropy) -> [Step] {
        (0..<entropy.next() % (pace + 1)).map { _ in step(&entropy) }
    }

    private func step(_ entropy: inout SeededEntropy) -> Step {
        var left = entropy.next() % weights.reduce(0, +)
        let kind = weights.firstIndex { weight in
            if left < weight { return true }
            left -= weight
            return false
        }
        return step(kind ?? 0, &entropy)
    }

    private func step(_ kind: Int, _ entropy: inout SeededEntropy) -> Step {
        let any = entropy.next() % 1_000_000_007
        let isRare = entropy.next() % 3 == 0
        let size = Int(entropy.next() % bytes)
        let queue = Names.queues[Int(any % 3)]
        let mended = Names.mended[Int((any >> 8) % UInt64(Names.mended.count))]
        switch kind {
        case 0: return .join(serving: Names.all.filter { _ in entropy.next() % 3 > 0 })
        case 1:
            let function = Names.handlers[isRare ? 1 : 0]
            return .enqueue(queue: queue, function: function, group: any >> 8, bytes: size)
        case 2, 3: return .answer(any)
        case 4: return .fail(any)
        case 5: return .leave(any)
        case 6: return .serve(any, Names.all[Int(any >> 8) & 7])
        case 7: return .cease(any, Names.all[Int(any >> 8) & 7])
        case 8: return .publish(bytes: size)
        case 9:
            let function = Names.subscribers[Int(any >> 8) & 1]
            return .subscribe(any, function: function, fifo: any % 7 < 3, isConditional: isRare)
        case 10: return .unsubscribe(any, function: Names.subscribers[Int(any >> 8) & 1])
        case 11: return .redrive(queue: mended)
        case 12:
            switch any % 8 {
            case 6: return .discardAll(queue: mended)
            case 7: return .purge(queue: mended)
            default: return .discard(queue: mended)
            }
        case 13: return .define(queue: queue, concurrency: 1 + UInt32(any % 5))
        default: return further(kind, any, isRare, size)
        }
    }

    private func further(_ kind: Int, _ any: UInt64, _ isRare: Bool, _ size: Int) -> Step {
        switch kind {
        case 14: .lateAnswer(any)
        case 15: .wrongAnswer(any)
        case 16: .call
        case 17: .set(key: any, bytes: size / 4)
        case 18: .update(key: any)
        case 19: .get(key: any)
        case 20: .delete(key: any)
        case 21: .route(any, isConditional: isRare)
        case 22: isRare ? .abandon(any) : .request
        case 23: .cron(any, expression: any >> 8, isConditional: isRare)
        case 24: isRare ? .jump(seconds: Int64(any % 100_000) - 4000) : .log
        case 25: .pass(nanoseconds: any % (isRare ? 40_000_000_000 : 2_000_000_000))
        case 26: .bind
        case 27: .unbind(any)
        case 28: .store(StoreStep(any >> 16, any, bytes: size / 4))
        default: .rest
        }
    }
}
