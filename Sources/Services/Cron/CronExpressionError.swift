/// Why a text is no cron expression. The description names the expression, the field, what stands
/// there, and what may stand there.
package struct CronExpressionError: Error, Equatable, Sendable {
    package let expression: String
    package let problem: Problem

    package enum Problem: Equatable, Sendable {
        case empty
        case tooLong(bytes: Int)
        case unknownShorthand
        case fieldCount(Int)
        /// `field` holds `text`, and `reason` says what is wrong with it.
        case field(String, text: String, reason: String)
    }
}

extension CronExpressionError: CustomStringConvertible {
    package var description: String {
        switch problem {
        case .empty:
            "the cron expression is empty; expected \(Self.forms)"
        case .tooLong(let bytes):
            "the cron expression \"\(expression.prefix(64))…\" has \(bytes) bytes; at most "
                + "\(CronExpression.bytesMax) are allowed"
        case .unknownShorthand:
            "invalid cron expression \"\(expression)\": the shorthands are "
                + "@yearly, @monthly, @weekly, @daily and @hourly"
        case .fieldCount(let count):
            "invalid cron expression \"\(expression)\": it has \(count) "
                + "field\(count == 1 ? "" : "s"); expected \(Self.forms)"
        case .field(let field, let text, let reason):
            "invalid cron expression \"\(expression)\": \(field) \"\(text)\": \(reason)"
        }
    }

    private static let forms =
        "5 fields (minute hour day month weekday), "
        + "6 (second minute hour day month weekday), 7 (and year), or a shorthand such as @daily"
}
