/// An etcd of one member, over gRPC. Its reads are the ones that it has unless told otherwise:
/// linearizable.
final class EtcdStore: KeyValueStore {
    let system = KeyValues.etcd
    private let etcd: EtcdProcess

    var child: Child { etcd.child }

    init(_ settings: Settings) throws(Failure) {
        etcd = try EtcdProcess(in: settings.scratch)
    }

    func note(_ work: KeyValues.Work) -> String {
        work == .swap ? "gRPC; Txn on the key's revision" : "gRPC"
    }

    func setting(
        _ reactor: Reactor,
        _ key: @escaping () -> UInt64
    ) throws(Failure) -> Turns.Conversation {
        try conversation(reactor, "Put") {
            Self.put(key())
        } check: { (_) throws(Failure) in
        }
    }

    func getting(
        _ reactor: Reactor,
        _ key: @escaping () -> UInt64
    ) throws(Failure) -> Turns.Conversation {
        try conversation(reactor, "Range") {
            var range: [UInt8] = []
            range.append(protobuf: 1, Self.name(key()))
            return range
        } check: { (message) throws(Failure) in
            guard message.count > KeyValues.value.utf8.count else {
                throw Failure("etcd has no value")
            }
        }
    }

    func swapping(_ reactor: Reactor, key: UInt64) throws(Failure) -> Turns.Conversation {
        var revision: UInt64 = 0
        return try conversation(reactor, "Txn") {
            // Compare: EQUAL (the default), the MOD revision of the key, to this one.
            var compare: [UInt8] = []
            compare.append(protobuf: 2, 2)
            compare.append(protobuf: 3, Self.name(key))
            compare.append(protobuf: 6, revision)
            var put: [UInt8] = []
            put.append(protobuf: 2, Self.put(key))
            var transaction: [UInt8] = []
            transaction.append(protobuf: 1, compare)
            transaction.append(protobuf: 2, put)
            return transaction
        } check: { (message) throws(Failure) in
            let answer = Protobuf(message)
            guard answer.integer(2) == 1, let header = answer.bytes(1),
                let written = Protobuf(header).integer(3)
            else { throw Failure("etcd did not swap") }
            revision = written
        }
    }

    private static func name(_ key: UInt64) -> [UInt8] { Array(KeyValues.hexadecimal(key).utf8) }

    private static func put(_ key: UInt64) -> [UInt8] {
        var put: [UInt8] = []
        put.append(protobuf: 1, name(key))
        put.append(protobuf: 2, Array(KeyValues.value.utf8))
        return put
    }

    private func conversation(
        _ reactor: Reactor,
        _ method: String,
        _ message: @escaping () -> [UInt8],
        check: @escaping GRPCClient.Check
    ) throws(Failure) -> Turns.Conversation {
        let link = try Link(port: etcd.port)
        try reactor.add(link)
        let client = GRPCClient(link, method: "/etcdserverpb.KV/\(method)", check: check)
        return Turns.Conversation(
            link: link,
            ask: { client.call(message()) },
            take: { (bytes) throws(Failure) in try client.take(bytes) }
        )
    }
}
