/// One key of a section: its name, and how its value gets into the model and is shown again.
struct Field<Section>: Sendable {
    let key: String
    let expectation: String
    let words: [String]
    let holdsTables: Bool
    /// Puts the value into the section, or says why not and leaves the section alone.
    let store: @Sendable (Setting.Value, inout Section) -> SettingError?
    /// The effective value as TOML; nil where there is none.
    let show: @Sendable (Section) -> String?
    /// Puts the value that the first section has into the second.
    let copy: @Sendable (Section, inout Section) -> Void

    init<Value>(
        _ key: String,
        _ path: any WritableKeyPath<Section, Value> & Sendable,
        _ kind: Kind<Value>
    ) {
        self.init(key, path, kind, wrap: { $0 }, show: { kind.show($0) })
    }

    /// A key that has no value unless it is set.
    init<Value>(
        optional key: String,
        _ path: any WritableKeyPath<Section, Value?> & Sendable,
        _ kind: Kind<Value>
    ) {
        self.init(key, path, kind, wrap: { $0 }, show: { $0.map(kind.show) })
    }

    /// Another key for a value that has its own: not shown.
    init<Value>(
        alias key: String,
        _ path: any WritableKeyPath<Section, Value> & Sendable,
        _ kind: Kind<Value>
    ) {
        self.init(key, path, kind, wrap: { $0 }, show: { _ in nil })
    }

    private init<Value, Stored>(
        _ key: String,
        _ path: any WritableKeyPath<Section, Stored> & Sendable,
        _ kind: Kind<Value>,
        wrap: @escaping @Sendable (Value) -> Stored,
        show: @escaping @Sendable (Stored) -> String?
    ) {
        self.key = key
        expectation = kind.expectation
        words = kind.words
        holdsTables = kind.holdsTables
        store = { value, section in
            switch kind.read(value) {
            case .value(let value):
                section[keyPath: path] = wrap(value)
                return nil
            case .wrongType: return .whole(.type)
            case .refused: return .whole(.value)
            case .flawed(let flaw): return flaw
            }
        }
        self.show = { show($0[keyPath: path]) }
        copy = { $1[keyPath: path] = $0[keyPath: path] }
    }
}
