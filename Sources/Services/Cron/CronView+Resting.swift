package import Primitives

extension CronView {
    /// A slot of a trigger has come, and nobody serves `function`, its own or its condition. Where
    /// slots are caught up, the trigger waits for somebody who does, as if it had gone with its
    /// worker.
    ///
    /// - Returns: false: they are not, and the slot fires in vain.
    package mutating func rest(_ id: String, until function: FunctionName) -> Bool {
        guard let trigger = entries[id]?.trigger, trigger.policy.catchUp != .skip else {
            return false
        }
        entries[id]?.awaited = function
        resting[function, default: []].insert(id)
        wait(id)
        return true
    }

    /// The triggers that wait for somebody who serves `function`, and are to be added anew.
    package func resting(for function: FunctionName) -> [String] {
        resting[function]?.sorted() ?? []
    }

    /// A trigger that rested goes.
    mutating func wake(_ id: String, for function: FunctionName) {
        resting[function]?.remove(id)
        if resting[function]?.isEmpty == true { resting[function] = nil }
    }
}
