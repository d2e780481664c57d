import LinearizabilityKit
import Testing

@Suite("The checker of linearizability")
struct CheckerTests {
    private typealias Binding = ObservedCall.Binding

    private func write(
        _ value: Int?,
        at times: ClosedRange<UInt64>,
        key: Int = 0,
        _ outcome: ObservedCall.Outcome = .applied
    ) -> ObservedCall {
        ObservedCall(
            writes: [Binding(key, value)],
            outcome,
            began: times.lowerBound,
            ended: times.upperBound
        )
    }

    private func read(_ value: Int?, at times: ClosedRange<UInt64>, key: Int = 0) -> ObservedCall {
        ObservedCall(
            .read([Binding(key, value)]),
            began: times.lowerBound,
            ended: times.upperBound
        )
    }

    private func swap(
        _ old: Int?,
        for new: Int,
        at times: ClosedRange<UInt64>,
        _ outcome: ObservedCall.Outcome = .applied
    ) -> ObservedCall {
        ObservedCall(
            conditions: [Binding(0, old)],
            writes: [Binding(0, new)],
            outcome,
            began: times.lowerBound,
            ended: times.upperBound
        )
    }

    private func isLinearizable(_ operations: [ObservedCall]) -> Bool {
        Checker(operations, keys: 2).check() == .linearizable
    }

    @Test("what overlaps may have happened in either order, what follows may not")
    func order() {
        #expect(isLinearizable([write(1, at: 0...10), read(nil, at: 1...2), read(1, at: 3...4)]))
        #expect(isLinearizable([write(1, at: 0...10), write(2, at: 0...10), read(1, at: 11...12)]))
        #expect(!isLinearizable([write(1, at: 0...1), write(2, at: 2...3), read(1, at: 4...5)]))
        #expect(!isLinearizable([write(1, at: 0...1), read(nil, at: 2...3)]))
    }

    @Test("a value that was seen does not go again")
    func staleRead() {
        #expect(!isLinearizable([write(1, at: 0...10), read(1, at: 1...2), read(nil, at: 3...4)]))
    }

    @Test("of two swaps of the same value one is refused")
    func lostUpdate() {
        let first = write(1, at: 0...1)
        #expect(!isLinearizable([first, swap(1, for: 2, at: 2...9), swap(1, for: 3, at: 2...9)]))
        #expect(
            isLinearizable([
                first, swap(1, for: 2, at: 2...9), swap(1, for: 3, at: 2...9, .refused),
            ])
        )
        #expect(!isLinearizable([first, swap(1, for: 2, at: 2...9, .refused)]))
    }

    @Test("what was not answered happened, or not, but not both")
    func unknown() {
        let lost = write(1, at: 0...1, .unknown)
        #expect(isLinearizable([lost, read(nil, at: 2...3)]))
        #expect(isLinearizable([lost, read(nil, at: 2...3), read(1, at: 4...5)]))
        #expect(!isLinearizable([lost, read(1, at: 2...3), read(nil, at: 4...5)]))
        #expect(isLinearizable([lost, swap(nil, for: 2, at: 5...6, .refused)]))
    }

    @Test("writes of one call are seen together")
    func torn() {
        let both = ObservedCall(
            writes: [Binding(0, 1), Binding(1, 2)],
            .applied,
            began: 0,
            ended: 10
        )
        func readBoth(_ first: Int?, _ second: Int?) -> ObservedCall {
            ObservedCall(.read([Binding(0, first), Binding(1, second)]), began: 1, ended: 2)
        }
        #expect(isLinearizable([both, readBoth(1, 2)]))
        #expect(isLinearizable([both, readBoth(nil, nil)]))
        #expect(!isLinearizable([both, readBoth(1, nil)]))
        #expect(!isLinearizable([both, readBoth(nil, 2)]))
    }

    @Test(
        "histories of a true store pass, and with one answer changed they do not",
        arguments: 1...20
    )
    func random(seed: Int) {
        var numbers = Numbers(state: UInt64(seed))
        var state: [Int?] = [nil, nil]
        var history: [ObservedCall] = []
        var time: UInt64 = 0
        var broken: [Int] = []
        for number in 1...300 {
            // Up to eight overlap; each takes place in the middle of its time.
            time += 10
            let began = time - numbers.next() % UInt64(40).clamped(time)
            let ended = time + 1 + numbers.next() % 40
            let key = Int(numbers.next() % 2)
            if numbers.next() % 2 == 0 {
                broken.append(history.count)
                history.append(
                    ObservedCall(.read([Binding(key, state[key])]), began: began, ended: ended)
                )
            } else {
                state[key] = number
                history.append(
                    ObservedCall(
                        writes: [Binding(key, number)],
                        .applied,
                        began: began,
                        ended: ended
                    )
                )
            }
        }
        #expect(Checker(history, keys: 2).check() == .linearizable)
        let index = broken[Int(numbers.next() % UInt64(broken.count))]
        guard case .read(let seen) = history[index].outcome else { return }
        var wrong = history
        wrong[index] = ObservedCall(
            .read([Binding(seen[0].key, 10_000)]),
            began: history[index].began,
            ended: history[index].ended
        )
        #expect(Checker(wrong, keys: 2).check() != .linearizable)
    }
}

extension UInt64 {
    fileprivate func clamped(_ most: UInt64) -> UInt64 { Swift.max(1, Swift.min(self, most)) }
}

private struct Numbers {
    var state: UInt64

    mutating func next() -> UInt64 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return state >> 33
    }
}
