import CommandLineKit
import Server

extension Failure {
    /// Everything that is wrong with the configuration.
    init(_ errors: ConfigurationErrors) {
        let problems = errors.errors.map { error in
            Problem(code: error.code.rawValue, message: error.description)
        }
        self.init(.configuration, problems)
    }

    /// Why the engine did not start, or not stop in order.
    init(_ error: ServeError) {
        let status: ExitStatus =
            switch error.kind {
            case .configuration: .configuration
            case .dataInUse: .inUse
            case .dataDamaged: .damaged
            case .storage: .storageFault
            }
        self.init(status, code: error.code, error.message)
    }
}
