import CommandLineKit
import IIISDK
import Server

extension Failure {
    /// Everything that is wrong with the configuration.
    init(_ errors: ConfigurationErrors) {
        let problems = errors.errors.map { error in
            Problem(code: error.code.rawValue, message: error.description)
        }
        self.init(.configuration, problems)
    }

    /// Why a call did not succeed, in the code of whoever refused it.
    init(_ error: SDKError) {
        let code = error.code.rawValue
        let stacktrace = error.stacktrace.map { "\n\($0)" } ?? ""
        self.init(ExitStatus(refusal: code), code: code, error.message + stacktrace)
    }
}

extension ServeError.Kind {
    /// How a program ends that this kept from its work.
    var status: ExitStatus {
        switch self {
        case .configuration: .configuration
        case .dataInUse: .inUse
        case .dataDamaged: .damaged
        case .storage: .storageFault
        }
    }
}
