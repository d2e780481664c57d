package import Primitives

extension Configuration {
    /// A worker process that the engine starts and keeps running.
    package struct Exec: Equatable, Sendable {
        package var name = ""
        /// The program and its arguments; not a shell's line.
        package var command: [String] = []
        /// Where it runs; once loaded absolute, and that of the configuration file by default.
        package var directory = "."
        /// Variables of its environment.
        package var environment: [String: String] = [:]
        /// Names of variables that it has of the engine's environment beside the usual ones; globs.
        package var inheritEnvironment: [String] = []
        package var restart = Restart.always
        /// Globs of files, from `directory` on, whose changes start it anew.
        package var watch: [String] = []
        /// How long it may take to end once it was asked to.
        package var stopTimeout = Timestamp.Span.seconds(3)

        package init() {}

        /// The process of a command line: in the directory where that was typed, and with all that
        /// it would have had there.
        init(_ command: [String], in directory: String, beside others: [Exec]) {
            name = "worker"
            while others.contains(where: { $0.name == name }) { name += "'" }
            self.command = command
            self.directory = directory
            inheritEnvironment = ["*"]
        }

        /// Whether it starts again when it has ended by itself.
        package enum Restart: String, CaseIterable, Equatable, Sendable {
            case always
            /// Where its status was not 0.
            case onFailure = "on-failure"
            case never
        }
    }
}

extension Configuration.Exec {
    static let fields: [Field<Self>] = [
        Field("name", \.name, .nonEmpty),
        Field("command", \.command, .command),
        Field("directory", \.directory, .path),
        Field("env", \.environment, .variables),
        Field("inherit_env", \.inheritEnvironment, .variableNames),
        Field("restart", \.restart, .choice),
        Field("watch", \.watch, .globs),
        Field("stop_timeout", \.stopTimeout, .span),
    ]
}

extension Kind where Value == [String] {
    fileprivate static let command = Kind(
        expectation: "a list of strings, the program first",
        read: { value in
            guard case .array(let elements) = value else { return .wrongType }
            var words: [String] = []
            for element in elements {
                guard case .string(let word) = element.value else { return .wrongType }
                words.append(word)
            }
            return words.first?.isEmpty == false ? .value(words) : .refused
        },
        show: { "[" + $0.map(quoted).joined(separator: ", ") + "]" }
    )

    fileprivate static let variableNames = Kind.list(
        "a list of names of variables, such as \"DATABASE_URL\" or \"AWS_*\"",
        show: { $0 },
        parse: { Glob($0) == nil || $0.isEmpty ? nil : $0 }
    )

    fileprivate static let globs = Kind.list(
        "a list of paths or globs, such as \"src/**/*.py\"",
        show: { $0 },
        parse: { $0.isEmpty ? nil : $0 }
    )
}

extension Kind where Value == [String: String] {
    /// Shown without the values, which may be secrets.
    fileprivate static let variables = Kind(
        expectation: "a table of strings, the names of variables before them",
        read: { value in
            guard case .table(let entries) = value else { return .wrongType }
            var variables: [String: String] = [:]
            for entry in entries {
                let isName = !entry.key.isEmpty && !entry.key.contains("=")
                guard case .string(let text) = entry.setting.value else { return .wrongType }
                guard isName else { return .refused }
                variables[entry.key] = text
            }
            return .value(variables)
        },
        show: { variables in
            let names = variables.keys.sorted().map { "\(quoted($0)) = \"***\"" }
            return names.isEmpty ? "{}" : "{ \(names.joined(separator: ", ")) }"
        }
    )
}
