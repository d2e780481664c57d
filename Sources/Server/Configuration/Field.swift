/// One key of a section: its name, and how its value gets into the model and is shown again.
struct Field<Section>: Sendable {
    let key: String
    let expectation: String
    let words: [String]
    /// Puts the value into the section, or says why not and leaves the section alone.
    let store: @Sendable (Setting.Value, inout Section) -> ConfigurationError.Code?
    /// The effective value as TOML; nil where there is none.
    let show: @Sendable (Section) -> String?

    init<Value>(
        _ key: String,
        _ path: any WritableKeyPath<Section, Value> & Sendable,
        _ kind: Kind<Value>
    ) {
        self.init(key, kind, show: { kind.show($0[keyPath: path]) }) { section, value in
            section[keyPath: path] = value
        }
    }

    /// A key that has no value unless it is set.
    init<Value>(
        optional key: String,
        _ path: any WritableKeyPath<Section, Value?> & Sendable,
        _ kind: Kind<Value>
    ) {
        self.init(key, kind, show: { $0[keyPath: path].map(kind.show) }) { section, value in
            section[keyPath: path] = value
        }
    }

    /// Another key for a value that has its own: not shown.
    init<Value>(
        alias key: String,
        _ path: any WritableKeyPath<Section, Value> & Sendable,
        _ kind: Kind<Value>
    ) {
        self.init(key, kind, show: { _ in nil }) { section, value in
            section[keyPath: path] = value
        }
    }

    private init<Value>(
        _ key: String,
        _ kind: Kind<Value>,
        show: @escaping @Sendable (Section) -> String?,
        assign: @escaping @Sendable (inout Section, Value) -> Void
    ) {
        self.key = key
        expectation = kind.expectation
        words = kind.words
        store = { value, section in
            switch kind.read(value) {
            case .value(let value):
                assign(&section, value)
                return nil
            case .wrongType: return .type
            case .refused: return .value
            }
        }
        self.show = show
    }
}
