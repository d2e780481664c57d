package import Primitives

/// A point in time as people write it: see ``Timestamp/init(expression:now:)``.
package enum TimeExpression {
    /// - Throws: ``ToolError`` with the forms that there are.
    package static func parse(_ text: String, now: Timestamp) throws(ToolError) -> Timestamp {
        if let time = Timestamp(expression: text, now: now) { return time }
        let forms = Timestamp.expressionForms
        throw ToolError(.malformedTime, "'\(text.visible)' is no time; write \(forms)")
    }
}
