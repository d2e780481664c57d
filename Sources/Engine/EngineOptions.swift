package import AccessControl
package import ConfigurationEntries
package import Cron
package import Events
package import HTTP
package import HTTPFunctions
package import Observability
import Primitives

/// What the engine is told at its start.
package struct EngineOptions: Sendable {
    /// What an engine and a worker say that know of observers (protocol 12.1).
    package static let observeFeature = "observe.v1"

    /// With `reject`, one worker at a time serves a function (protocol 3.1).
    package enum Duplicates: Sendable { case balance, reject }

    package var version: String
    package var process: UInt64
    package var queues: [String: QueueSettings]
    package var duplicates: Duplicates
    /// How long a worker's registrations wait for its namespace, in nanoseconds.
    package var namespaceGrace: UInt64
    /// From a request to the head of its response, in nanoseconds.
    package var responseTimeout: UInt64
    /// How long a worker may take for anything but a message, in nanoseconds; nil: for ever.
    package var invocationTimeout: UInt64?
    /// How long a worker may take for a message before it is delivered again, in nanoseconds; nil:
    /// for ever.
    package var deliveryLease: UInt64?
    /// How long effects may leave ahead of their records' durability, in nanoseconds; nil: never,
    /// as every other promise of the engine assumes.
    package var releaseAhead: UInt64?
    /// Whether a batch may wait for those whom the last one answered: see ``BatchHold``.
    package var holdsBatches = false
    /// Whether workers may observe functions (protocol 12); else they are told that they cannot.
    package var observe: Bool
    /// The largest payload, result or definition that is recorded, in bytes: what the log's records
    /// hold, less room for what else is in them.
    package var payloadBytes: Int
    /// What a record may have in all, in bytes.
    var recordBytes: Int { payloadBytes + Limits.recordOverheadBytes }
    /// Whether writes of the state run the functions of their triggers.
    package var stateTriggers = true
    /// The largest value that `state::set` takes, in bytes of compact JSON; nil: what a record can
    /// hold. Until settings are edited it is that of the snapshot's settings.
    package var stateValueBytes: Int?
    /// Where functions that are invoked by HTTP may lead.
    package var outbound: OutboundPolicy
    /// The secrets that such functions may carry, by the number of their worker's listener; those
    /// of ``outbound`` for one that is not there.
    package var listenerSecrets: [Int: [SecretRule]] = [:]
    /// The rules of every listener for workers, by its number.
    package var listeners: [AccessRules] = [AccessRules()]
    package var telemetry = TelemetryStore.Settings()
    package var timeZones = TimeZones.utcOnly
    package var http = HTTPRules()
    /// The id of the function that is asked about every socket of streams; nil: none is.
    package var streamAuthentication: String?
    /// Whether nobody joins a group of a stream unless a function was asked about it, and all that
    /// were asked have answered. Else who is not refused is let in (services 1, D.5).
    package var streamJoinsNeedAnswers = false
    /// What the placeholders of configuration entries stand for.
    package var placeholders = Placeholders(variables: [:], version: "", bytesMax: 1 << 20)
    /// How long a configuration entry stays that the last trigger for it has left, in nanoseconds;
    /// nil: for ever.
    package var configurationTTL: UInt64?

    package init(
        version: String,
        process: UInt64 = 0,
        queues: [String: QueueSettings] = ["default": .standard],
        duplicates: Duplicates = .balance,
        namespaceGrace: UInt64 = 5_000_000_000,
        responseTimeout: UInt64 = 30_000_000_000,
        invocationTimeout: UInt64? = nil,
        deliveryLease: UInt64? = 1_800_000_000_000,
        releaseAhead: UInt64? = nil,
        observe: Bool = true,
        recordBytes: Int = Limits.recordBytes,
        outbound: OutboundPolicy = OutboundPolicy()
    ) {
        self.version = version
        self.process = process
        self.queues = queues
        self.duplicates = duplicates
        self.namespaceGrace = namespaceGrace
        self.responseTimeout = responseTimeout
        self.invocationTimeout = invocationTimeout
        self.deliveryLease = deliveryLease
        self.releaseAhead = releaseAhead
        self.observe = observe
        payloadBytes = recordBytes - Limits.recordOverheadBytes
        self.outbound = outbound
    }

    /// Where functions of the workers of one listener may lead.
    func outbound(forListener number: Int) -> OutboundPolicy {
        var policy = outbound
        if let secrets = listenerSecrets[number] { policy.secrets = secrets }
        return policy
    }
}
