extension ExitStatus {
    /// How a program ends whose call of an engine did not succeed, by the code of whoever refused
    /// it: the SDK's own codes, and those of engines.
    package init(refusal code: String) {
        self =
            switch code {
            case "cannot_connect", "connection_lost", "WORKER_NAMESPACE_CONFLICT": .unreachable
            case "function_not_found", "NOT_FOUND", "UNKNOWN_OFFSET": .unknownObject
            case "TIMEOUT", "invocation_timeout": .timedOut
            case "invalid_address", "MALFORMED_ID": .usage
            case "unauthorized", "FORBIDDEN": .notPermitted
            default: .failed
            }
    }
}
