/// A redis-server that syncs every write before it answers it. A swap is a script, the way that
/// takes one round trip.
final class RedisStore: KeyValueStore {
    let system = KeyValues.redis
    private let redis: RedisProcess

    var child: Child { redis.child }

    /// The first 12 bytes of a value are its version.
    private static let script = """
        local old = redis.call('GET', KEYS[1]) \
        if old and string.sub(old, 1, 12) ~= ARGV[1] then return 0 end \
        redis.call('SET', KEYS[1], ARGV[2]) \
        return 1
        """

    init(_ settings: Settings) throws(Failure) {
        redis = try RedisProcess(fsync: "always", in: settings.scratch)
    }

    func note(_ work: KeyValues.Work) -> String {
        work == .swap ? "a script that compares a version" : ""
    }

    func setting(
        _ reactor: Reactor,
        _ key: @escaping () -> UInt64
    ) throws(Failure) -> Turns.Conversation {
        try conversation(reactor) {
            ["SET", KeyValues.hexadecimal(key()), KeyValues.value]
        } answer: {
            $0 == "+OK"
        }
    }

    func getting(
        _ reactor: Reactor,
        _ key: @escaping () -> UInt64
    ) throws(Failure) -> Turns.Conversation {
        try conversation(reactor) {
            ["GET", KeyValues.hexadecimal(key())]
        } answer: {
            $0 == "$256"
        }
    }

    func swapping(_ reactor: Reactor, key: UInt64) throws(Failure) -> Turns.Conversation {
        let loader = try Link(port: redis.port)
        try reactor.add(loader)
        let sha = try reactor.exchange(
            Array(Self.command(["SCRIPT", "LOAD", Self.script]).utf8),
            on: loader,
            what: "script"
        ) { (bytes) throws(Failure) -> Reactor.Step<String> in
            guard bytes.count >= 47 else { return .notWhole }
            return .done(bytes.text(5..<45), bytes.count)
        }
        loader.receive = { (_, _) throws(Failure) in }
        let name = KeyValues.hexadecimal(key)
        let rest = String(KeyValues.value.dropFirst(Number.digits))
        var version: UInt64 = 0
        return try conversation(reactor) {
            version += 1
            return [
                "EVALSHA", sha, "1", name, KeyValues.hexadecimal(version - 1),
                KeyValues.hexadecimal(version) + rest,
            ]
        } answer: {
            $0 == ":1"
        }
    }

    private static func command(_ words: [String]) -> String {
        words.reduce(into: "*\(words.count)\r\n") { $0 += "$\($1.utf8.count)\r\n\($1)\r\n" }
    }

    private func conversation(
        _ reactor: Reactor,
        _ words: @escaping () -> [String],
        answer isRight: @escaping (String) -> Bool
    ) throws(Failure) -> Turns.Conversation {
        let link = try Link(port: redis.port)
        try reactor.add(link)
        return Turns.Conversation(
            link: link,
            ask: { link.output.append(Self.command(words())) },
            take: { (bytes) throws(Failure) in
                guard let end = bytes.firstIndex(of: UInt8(ascii: "\n")) else { return nil }
                let line = bytes.text(0..<(end - 1))
                guard isRight(line) else { throw Failure("redis answered \(line)") }
                // A value stands behind the line with its length.
                let extent = line == "$256" ? end + 1 + 256 + 2 : end + 1
                return bytes.count >= extent ? Answer(extent: extent) : nil
            }
        )
    }
}
