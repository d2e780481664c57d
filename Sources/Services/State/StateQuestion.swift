package import Primitives

/// What a call asks of the log: of the state as it was, not as it is.
package enum StateQuestion: Equatable, Sendable {
    case value(Value)
    case history(History)
    case changes(Changes)

    /// `state::get` with `at`.
    package struct Value: Equatable, Sendable {
        package let scope: String
        package let key: String
        package let at: Moment
        package let withRevision: Bool

        package init(scope: String, key: String, at: Moment, withRevision: Bool) {
            self.scope = scope
            self.key = key
            self.at = at
            self.withRevision = withRevision
        }

        init(place: StatePlace, at: Moment, withRevision: Bool) {
            self.init(
                scope: place.scope.text,
                key: place.key.text,
                at: at,
                withRevision: withRevision
            )
        }
    }

    package enum Moment: Equatable, Sendable {
        /// What the records up to this one made, itself included.
        case offset(Offset)
        case time(Timestamp)
    }

    /// `state::history`: the writes of one key, the youngest first.
    package struct History: Equatable, Sendable {
        package let scope: String
        package let key: String
        /// Only records below; nil: all.
        package let before: Offset?
        package let limit: Int

        package init(scope: String, key: String, before: Offset?, limit: Int) {
            self.scope = scope
            self.key = key
            self.before = before
            self.limit = limit
        }
    }

    /// `state::changes`: the writes behind a record, the oldest first.
    package struct Changes: Equatable, Sendable {
        /// Nil: any.
        package let scope: String?
        package let prefix: String
        package let after: Offset
        package let limit: Int
        /// How long there need not be any, in nanoseconds.
        package let wait: UInt64

        package init(
            scope: String?,
            prefix: String,
            after: Offset,
            limit: Int,
            wait: UInt64
        ) {
            self.scope = scope
            self.prefix = prefix
            self.after = after
            self.limit = limit
            self.wait = wait
        }

        /// The same question, from a later record on: how long it still waits is known to whoever
        /// asks it again.
        package func behind(_ offset: Offset) -> Changes {
            Changes(scope: scope, prefix: prefix, after: offset, limit: limit, wait: 0)
        }

        /// Whether a write of this key is one of them, if it is young enough. Names are compared by
        /// their bytes.
        package func concerns(scope written: String, key: String) -> Bool {
            guard scope.map({ Name($0) == Name(written) }) ?? true else { return false }
            return prefix.isEmpty || key.utf8.starts(with: prefix.utf8)
        }
    }
}
