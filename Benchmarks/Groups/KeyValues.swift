/// Values of 256 bytes under keys: written durably, read, and written only where nobody wrote
/// since. Reads and writes draw from the same keys; each client swaps a key of its own, so that
/// every swap is one that succeeds.
enum KeyValues {
    static let system = "iii state"
    static let redis = "redis, always"
    static let etcd = "etcd"

    static let loads = [1, 16, 64].map { Load(connections: $0, depth: 1) }
    static let keys = 10_000
    static let value = String(repeating: "v", count: 256)

    /// What is done to a key.
    enum Work: String, CaseIterable {
        case set = "durable set"
        case get = "get"
        case swap = "durable compare-and-set"
    }

    static func run(_ settings: Settings, _ row: (Measurement) -> Void) throws(Failure) {
        guard loads.contains(where: { settings.wants($0.name) }) else { return }
        try measure(EngineStore(settings), settings, row)
        do throws(Failure) {
            try measure(RedisStore(settings), settings, row)
        } catch {
            row(Peer.missing(Work.set.rawValue, redis, settings.clients ?? "all", error))
        }
        do throws(Failure) {
            try measure(EtcdStore(settings), settings, row)
        } catch {
            row(Peer.missing(Work.set.rawValue, etcd, settings.clients ?? "all", error))
        }
    }

    private static func measure(
        _ store: some KeyValueStore,
        _ settings: Settings,
        _ row: (Measurement) -> Void
    ) throws(Failure) {
        // Every key has a value before one is read.
        var filling = Plan()
        (filling.warmUp, filling.seconds, filling.operations) = (0, 60, keys)
        _ = try turns(of: .set, Load(connections: 16, depth: 1), on: store, filling).run()
        for work in Work.allCases {
            for load in loads where settings.wants(load.name) {
                let turns = try turns(of: work, load, on: store, settings.plan)
                let served = try store.child.serve(turns.run)
                row(
                    Measurement(
                        work.rawValue,
                        store.system,
                        clients: load.name,
                        served,
                        notes: store.note(work)
                    )
                )
            }
        }
    }

    private static func turns(
        of work: Work,
        _ load: Load,
        on store: some KeyValueStore,
        _ plan: Plan
    ) throws(Failure) -> Turns {
        let reactor = Reactor()
        let draw = KeyDraw()
        return try Turns(load.connections, on: reactor, plan) { (index) throws(Failure) in
            switch work {
            case .set: try store.setting(reactor) { draw.next() }
            case .get: try store.getting(reactor) { draw.next() }
            case .swap: try store.swapping(reactor, key: swapKey(index, load))
            }
        }
    }

    /// A key that no other point has.
    private static func swapKey(_ client: Int, _ load: Load) -> UInt64 {
        UInt64(keys + 1000 * load.connections + client)
    }

    static func hexadecimal(_ number: UInt64) -> String {
        withUnsafeTemporaryAllocation(byteCount: Number.digits, alignment: 1) { digits in
            Number.write(number, to: digits)
            return String(decoding: digits, as: UTF8.self)
        }
    }
}

/// Something that keeps values under keys: how a client of it asks.
protocol KeyValueStore {
    var system: String { get }
    var child: Child { get }
    func note(_ work: KeyValues.Work) -> String

    func setting(
        _ reactor: Reactor,
        _ key: @escaping () -> UInt64
    ) throws(Failure) -> Turns.Conversation

    func getting(
        _ reactor: Reactor,
        _ key: @escaping () -> UInt64
    ) throws(Failure) -> Turns.Conversation

    func swapping(_ reactor: Reactor, key: UInt64) throws(Failure) -> Turns.Conversation
}

/// Each key once before any comes again, neighbours far apart.
private final class KeyDraw {
    private var last: UInt64 = 0

    func next() -> UInt64 {
        last = (last + 7919) % UInt64(KeyValues.keys)
        return last
    }
}
