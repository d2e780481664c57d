import JSON
import Primitives

/// Who is connected, what they serve, and which triggers they asked for: the live half of the
/// engine, empty after every start but for the triggers that belong to no connection. A class, so
/// that views can ask it while they change.
final class Registry {
    private(set) var workers: [ConnectionID: Worker] = [:] { didSet { version += 1 } }
    /// The same ones, for when all of them come back at once and name who they were.
    private var connections: [UUID128: ConnectionID] = [:]
    private(set) var functions: [FunctionName: Function] = [:] { didSet { version += 1 } }
    /// Live and parked, by id.
    var triggers: [String: Trigger] = [:] { didSet { version += 1 } }
    /// The trigger types that workers provide; the engine's own are ``EngineTriggerType``.
    var types: [TriggerTypeName: TriggerType] = [:]
    /// Changes with anything above, and when a worker says who it is.
    private(set) var version: UInt64 = 0
    /// Changes whenever a function comes or goes.
    private(set) var functionsVersion: UInt64 = 0
    /// How many functions keep the items of streams (services 1, D.6).
    private var streamKeepers = 0
    private var picks: UInt64 = 0
    private var numbers: UInt64 = 0

    /// A worker and what it runs name each other: with the engine that goes, too.
    deinit {
        for worker in workers.values { _ = worker.endAll() }
    }

    /// A registered function; several workers may serve it.
    struct Function {
        /// Never empty between changes. Listings name the first.
        private(set) var owners: [Worker]
        /// What each of them registered it with.
        private var definitions: [JSONText]
        /// What those have as metadata: of each owner, as a call may go to any; null: it has none.
        private(set) var metadata: [JSONText]

        init(_ owner: Worker, _ definition: JSONText) {
            owners = [owner]
            definitions = [definition]
            metadata = [Self.metadata(of: definition)]
        }

        private static func metadata(of definition: JSONText) -> JSONText {
            definition.member("metadata") ?? .null
        }

        /// What the first owner registered it with.
        var definition: JSONText { definitions[0] }

        /// - Returns: whether `worker` did not serve it before.
        mutating func add(_ worker: Worker, _ definition: JSONText) -> Bool {
            if let place = owners.firstIndex(where: { $0 === worker }) {
                definitions[place] = definition
                metadata[place] = Self.metadata(of: definition)
                return false
            }
            owners.append(worker)
            definitions.append(definition)
            metadata.append(Self.metadata(of: definition))
            return true
        }

        /// - Returns: false where `worker` does not serve it.
        mutating func remove(_ worker: Worker) -> Bool {
            guard let place = owners.firstIndex(where: { $0 === worker }) else { return false }
            owners.remove(at: place)
            definitions.remove(at: place)
            metadata.remove(at: place)
            return true
        }
    }

    func add(_ worker: Worker) {
        workers[worker.connection] = worker
        connections[worker.id] = worker.connection
    }

    func remove(_ connection: ConnectionID) -> Worker? {
        let worker = workers.removeValue(forKey: connection)
        if let worker { connections[worker.id] = nil }
        return worker
    }

    /// A worker has said who it is.
    func described() { version += 1 }

    func worker(_ id: UUID128) -> Worker? { connections[id].flatMap { workers[$0] } }

    /// - Returns: whether the function had no worker before.
    func serve(_ name: FunctionName, by worker: Worker, definition: JSONText) -> Bool {
        guard var function = functions[name] else {
            functions[name] = Function(worker, definition)
            worker.functions.append(name)
            functionsVersion += 1
            if name.keepsStream { streamKeepers += 1 }
            return true
        }
        if function.add(worker, definition) { worker.functions.append(name) }
        functions[name] = function
        return false
    }

    /// - Returns: false where `worker` does not serve it.
    func cease(_ name: FunctionName, by worker: Worker) -> Bool {
        guard var function = functions[name], function.remove(worker) else { return false }
        functions[name] = function.owners.isEmpty ? nil : function
        if function.owners.isEmpty {
            functionsVersion += 1
            if name.keepsStream { streamKeepers -= 1 }
        }
        worker.functions.remove(name)
        worker.holdings[.function(name)] = 0
        worker.endpoints[name] = nil
        return true
    }

    /// Whether any worker keeps the items of a stream.
    var keepsStreams: Bool { streamKeepers > 0 }

    /// Whether a worker serves it.
    func isServed(_ name: FunctionName) -> Bool { functions[name] != nil }

    /// Whether it can be called: a worker serves it, or the engine itself does.
    func isThere(_ name: FunctionName) -> Bool { isServed(name) || Builtin.named(name) != nil }

    /// The worker that runs `name` next with so many bytes of payload: of those whose SDKs can
    /// receive them one that most queues may hand more to, of those the least busy one, and of
    /// those the one that waited longest. It looks at all that serve it: their order changes
    /// with every call and result, and to keep it would cost as much as a look at so few, as many
    /// as there are replicas.
    func pick(_ name: FunctionName, bytes: Int) -> Worker? {
        guard let owners = functions[name]?.owners else { return nil }
        let worker = Self.receivers(of: bytes, owners, of: name).min {
            ($0.room, $0.inFlight, $0.lastPicked) < ($1.room, $1.inFlight, $1.lastPicked)
        }
        picks += 1
        worker?.lastPicked = picks
        return worker
    }

    /// Those of the owners that can be sent so much: where none can, all, and whoever asks is told
    /// why.
    private static func receivers(
        of bytes: Int,
        _ owners: [Worker],
        of name: FunctionName
    ) -> [Worker] {
        guard owners.count > 1, bytes + Limits.envelopeBytes > Limits.oldClientMessageBytes else {
            return owners
        }
        let able = owners.filter { $0.receives(bytes, for: name) }
        return able.isEmpty ? owners : able
    }

    /// Whether a function is served, and a queue may hand a large message of so many bytes to none
    /// of its workers; `isIdle`: nothing of the queue runs.
    func isCrowded(_ name: FunctionName, bytes: Int, isIdle: Bool) -> Bool {
        guard let owners = functions[name]?.owners else { return false }
        let last: Worker.Room = isIdle ? .forIdle : .forAll
        return Self.receivers(of: bytes, owners, of: name).allSatisfy { $0.room > last }
    }

    /// A number that no trigger, no question about one and no claim had before.
    func nextNumber() -> UInt64 {
        numbers += 1
        return numbers
    }

    /// Where else an id is registered, sorted: for whoever named the wrong namespace.
    func namespaces(of id: String) -> [String] {
        functions.keys.filter { $0.id == id }.map(\.namespace).sorted()
    }
}

extension FunctionName {
    /// Whether it is one of those by which a worker keeps a stream: `stream::get(NAME)`.
    fileprivate var keepsStream: Bool { id.hasPrefix("stream::") && id.hasSuffix(")") }
}
