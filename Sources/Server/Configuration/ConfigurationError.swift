/// One thing that is wrong with a configuration: where, what, and the way out.
package struct ConfigurationError: Error, Equatable, Sendable, CustomStringConvertible {
    package let code: Code
    package let place: Place
    package let message: String

    /// Stable names, for scripts.
    package enum Code: String, Equatable, Sendable {
        /// The file does not exist, or cannot be read.
        case file = "config.file"
        /// Everybody may write the file.
        case writable = "config.writable"
        /// The file is not TOML or YAML.
        case syntax = "config.syntax"
        case unsetVariable = "config.unset_variable"
        case unknownKey = "config.unknown_key"
        /// A value of another type than the key takes.
        case type = "config.type"
        /// A value of the right type that is not allowed.
        case value = "config.value"
        /// Settings that exclude or need one another.
        case conflict = "config.conflict"
        /// A setting that would be ignored at the user's peril.
        case unsupported = "config.unsupported"
    }

    package var description: String { "\(place): \(message)" }
}

/// Everything that is wrong with a configuration, in the order of its text; never empty.
package struct ConfigurationErrors: Error, Equatable, Sendable, CustomStringConvertible {
    package let errors: [ConfigurationError]

    init(_ errors: [ConfigurationError]) {
        precondition(!errors.isEmpty, "a refusal without a reason")
        self.errors = errors
    }

    package var description: String {
        errors.map(\.description).joined(separator: "\n")
    }
}

/// Something that is accepted, and that the user should know of.
package struct ConfigurationWarning: Equatable, Sendable, CustomStringConvertible {
    package let place: Place
    package let message: String

    package var description: String { "\(place): \(message)" }
}
