/// The members that messages are made of.
enum Field: Int, CaseIterable {
    case type
    case invocationID
    case functionID
    case data
    case metadata
    case traceparent
    case baggage
    case action
    case namespace
    case result
    case error
    case id
    case description
    case requestFormat
    case responseFormat
    case invocation
    case triggerRequestFormat
    case callRequestFormat
    case triggerType
    case config
    case triggerNamespace
    case previousWorkerID
    case reattachToken
    case workerID
    case code
    case workerName
    case ownerWorkerID
    case caller
    case observeDepth
    case activation
    case observe

    static let count: Int = {
        precondition(allCases.count <= UInt32.bitWidth, "a field has a bit of its own")
        return allCases.count
    }()

    /// Its own among those of all fields.
    var bit: UInt32 { 1 << UInt32(rawValue) }

    var name: StaticString {
        switch self {
        case .type: "type"
        case .invocationID: "invocation_id"
        case .functionID: "function_id"
        case .data: "data"
        case .metadata: "metadata"
        case .traceparent: "traceparent"
        case .baggage: "baggage"
        case .action: "action"
        case .namespace: "namespace"
        case .result: "result"
        case .error: "error"
        case .id: "id"
        case .description: "description"
        case .requestFormat: "request_format"
        case .responseFormat: "response_format"
        case .invocation: "invocation"
        case .triggerRequestFormat: "trigger_request_format"
        case .callRequestFormat: "call_request_format"
        case .triggerType: "trigger_type"
        case .config: "config"
        case .triggerNamespace: "trigger_namespace"
        case .previousWorkerID: "previous_worker_id"
        case .reattachToken: "reattach_token"
        case .workerID: "worker_id"
        case .code: "code"
        case .workerName: "worker_name"
        case .ownerWorkerID: "owner_worker_id"
        case .caller: "caller"
        case .observeDepth: "observe_depth"
        case .activation: "activation"
        case .observe: "observe"
        }
    }

    /// Nil for a member that no message here has.
    init?(_ name: String) {
        var copy = name
        guard let field = copy.withUTF8({ Field($0) }) else { return nil }
        self = field
    }

    /// Nil for a member that no message here has. The lengths leave at most four candidates.
    init?(_ name: UnsafeBufferPointer<UInt8>) {
        switch name.count {
        case 2: self.init(name, .id)
        case 4: self.init(name, .type, .data, .code)
        case 5: self.init(name, .error)
        case 6: self.init(name, .action, .result, .config, .caller)
        case 7: self.init(name, .baggage, .observe)
        case 8: self.init(name, .metadata)
        case 9: self.init(name, .namespace, .workerID)
        case 10: self.init(name, .invocation, .activation)
        case 11: self.init(name, .functionID, .traceparent, .description, .workerName)
        case 12: self.init(name, .triggerType)
        case 13: self.init(name, .invocationID, .observeDepth)
        case 14: self.init(name, .requestFormat, .reattachToken)
        case 15: self.init(name, .responseFormat, .ownerWorkerID)
        case 17: self.init(name, .triggerNamespace)
        case 18: self.init(name, .previousWorkerID)
        case 19: self.init(name, .callRequestFormat)
        case 22: self.init(name, .triggerRequestFormat)
        default: return nil
        }
    }

    @inline(__always)
    private init?(
        _ name: UnsafeBufferPointer<UInt8>,
        _ first: Field,
        _ second: Field? = nil,
        _ third: Field? = nil,
        _ fourth: Field? = nil
    ) {
        if name.spells(first.name) {
            self = first
        } else if let second, name.spells(second.name) {
            self = second
        } else if let third, name.spells(third.name) {
            self = third
        } else if let fourth, name.spells(fourth.name) {
            self = fourth
        } else {
            return nil
        }
    }
}

extension UnsafeBufferPointer<UInt8> {
    /// Whether these bytes are the ASCII text `word`.
    @inline(__always)
    func spells(_ word: StaticString) -> Bool {
        guard count == word.utf8CodeUnitCount else { return false }
        for index in 0..<count where self[index] != word.utf8Start[index] { return false }
        return true
    }
}
