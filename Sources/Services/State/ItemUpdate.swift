package import JSON
import Primitives

/// The operations of an update (services 1, C.2), for whoever else keeps values in a
/// ``StateView``: the items of streams.
package struct ItemUpdate {
    private let operations: [UpdateOperation]

    /// Reads the field `ops`.
    package init(_ fields: JSONFields) throws(JSONFieldError) {
        var operations: [UpdateOperation] = []
        for (index, text) in try fields.requiredArray("ops").enumerated() {
            operations.append(try UpdateOperation(text, at: "ops[\(index)]"))
        }
        self.operations = operations
    }

    /// What the operations make of a value.
    package struct Outcome {
        /// Compact JSON.
        package let value: [UInt8]
        /// Levels of arrays and objects in it.
        package let depth: Int
        /// What the caller is answered: the old value, the new one, and what was skipped.
        package let answer: [UInt8]
    }

    /// Runs the operations in order.
    ///
    /// - Parameter stored: compact JSON; nil: there is no value.
    /// - Returns: what they make of it.
    package func applied(to stored: [UInt8]?) -> Outcome {
        var document = UpdatedDocument(stored.map { JSONText(trusted: $0).value() })
        let errors = document.apply(operations)
        let value = document.value.text.bytes
        return Outcome(
            value: value,
            depth: document.value.depth,
            answer: StateAnswer.written(
                old: stored,
                new: value,
                errors: errors,
                revision: nil
            )
        )
    }

    /// The answer to a value that was set: `{"old_value": …, "new_value": …}`.
    package static func answer(old: [UInt8]?, new: [UInt8]) -> [UInt8] {
        StateAnswer.written(old: old, new: new, errors: [], revision: nil)
    }
}
