/// The `type` of a message, of either direction.
enum MessageType: Equatable {
    case invokeFunction
    case invocationResult
    case registerFunction
    case unregisterFunction
    case registerTriggerType
    case unregisterTriggerType
    case registerTrigger
    case unregisterTrigger
    case triggerRegistrationResult
    case registerService
    case reattach
    case ping
    case pong
    case workerRegistered
    case registrationRejected
    case error
    case observe
    case unobserve
    case observerAck
    case invocationsObserved
    case localInvocationStats
    case unknown(String)

    init(_ name: String) {
        var copy = name
        self = copy.withUTF8 { MessageType($0) }
    }

    /// The lengths differ but for two pairs, so that the first byte and the length nearly decide.
    init(_ name: UnsafeBufferPointer<UInt8>) {
        self =
            switch name.count {
            case 14 where name.spells("invokefunction"): .invokeFunction
            case 16 where name.spells("invocationresult"): .invocationResult
            case 16 where name.spells("registerfunction"): .registerFunction
            case 18 where name.spells("unregisterfunction"): .unregisterFunction
            case 19 where name.spells("registertriggertype"): .registerTriggerType
            case 21 where name.spells("unregistertriggertype"): .unregisterTriggerType
            case 15 where name.spells("registertrigger"): .registerTrigger
            case 17 where name.spells("unregistertrigger"): .unregisterTrigger
            case 25 where name.spells("triggerregistrationresult"): .triggerRegistrationResult
            case 15 where name.spells("registerservice"): .registerService
            case 8 where name.spells("reattach"): .reattach
            case 4 where name.spells("ping"): .ping
            case 4 where name.spells("pong"): .pong
            case 16 where name.spells("workerregistered"): .workerRegistered
            case 20 where name.spells("registrationrejected"): .registrationRejected
            case 5 where name.spells("error"): .error
            case 7 where name.spells("observe"): .observe
            case 9 where name.spells("unobserve"): .unobserve
            case 11 where name.spells("observerack"): .observerAck
            case 19 where name.spells("invocationsobserved"): .invocationsObserved
            case 20 where name.spells("localinvocationstats"): .localInvocationStats
            default: .unknown(String(decoding: name, as: UTF8.self))
            }
    }
}
