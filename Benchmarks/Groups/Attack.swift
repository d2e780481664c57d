import Glibc

/// What bad clients do to an HTTP server. It runs in a process of its own, this program with
/// ``option`` before its name and a port, until it is killed.
enum Attack: String, CaseIterable {
    /// Connections that say nothing, or begin a request and go on no more.
    case open
    /// Requests that come a byte at a time.
    case slow
    /// Heads that never end.
    case headers
    /// Bodies of a gibibyte, with their length in front and in chunks.
    case bodies
    case all

    static let option = "attack"
    static let ready = "attacking"
    static let halfOpen = 10_000
    private static let slowConnections = 1000

    var name: String {
        switch self {
        case .open: "10,000 half-open connections"
        case .slow: "1,000 slow requests"
        case .headers: "endless heads"
        case .bodies: "bodies of 1 GiB"
        case .all: "all of these"
        }
    }

    /// Does it, and now and then says what came of it.
    func run(port: UInt16) throws(Failure) -> Never {
        try Crowd.raiseLimit(connections: Self.halfOpen + Self.slowConnections + 100)
        let parts = self == .all ? Self.allCases : [self]
        let mobs = parts.flatMap { $0.mobs(port) }
        for mob in mobs { try mob.gather() }
        say(Self.ready)
        var told = Monotonic.now()
        while true {
            for mob in mobs { mob.turn() }
            usleep(2000)
            guard Monotonic.now() - told > 500_000_000 else { continue }
            told = Monotonic.now()
            say(mobs.map(\.report).joined(separator: ", "))
        }
    }

    private func mobs(_ port: UInt16) -> [Mob] {
        let begun = Array("POST /bench HTTP/1.1\r\nHost: 127.0.0.1\r\n".utf8)
        switch self {
        case .all: return []
        case .open:
            return [
                Mob("silent", Self.halfOpen / 2, port, every: 2000) { _ in [] },
                Mob("begun", Self.halfOpen / 2, port, every: 2000) { $0 == 0 ? begun : [] },
            ]
        case .slow:
            let head = begun + Array("X-Slow: \(String(repeating: "s", count: 4096))".utf8)
            return [
                Mob("slow", Self.slowConnections, port, every: 1000) {
                    $0 < head.count ? [head[$0]] : []
                }
            ]
        case .headers:
            let line = "X-Flood: \(String(repeating: "h", count: 500))\r\n"
            let lines = Array(String(repeating: line, count: 4).utf8)
            return [Mob("heads", 20, port, every: 5) { $0 == 0 ? begun : lines }]
        case .bodies:
            let type = begun + Array("Content-Type: application/json\r\n".utf8)
            let whole = type + Array("Content-Length: 1073741824\r\n\r\n".utf8)
            let chunked = type + Array("Transfer-Encoding: chunked\r\n\r\n".utf8)
            let piece = [UInt8](repeating: UInt8(ascii: "b"), count: 64 << 10)
            let chunk = Array("10000\r\n".utf8) + piece + Array("\r\n".utf8)
            return [
                Mob("whole bodies", 2, port, every: 5) { $0 == 0 ? whole : piece },
                Mob("chunked bodies", 2, port, every: 5) { $0 == 0 ? chunked : chunk },
            ]
        }
    }
}

/// Connections that all do the same bad thing, each again when the server ended it.
private final class Mob {
    private let name: String
    private let port: UInt16
    /// What a connection sends as its `n`th piece.
    private let piece: (Int) -> [UInt8]
    private let interval: UInt64
    private var members: [Member] = []
    private let count: Int
    private var next = 0
    private var answers: [String: Int] = [:]
    private var cut = 0

    private struct Member {
        var descriptor: Int32
        var pieces = 0
        var due: UInt64 = 0
        /// What the last piece had that did not fit.
        var rest: ArraySlice<UInt8> = []
    }

    init(
        _ name: String,
        _ count: Int,
        _ port: UInt16,
        every milliseconds: UInt64,
        _ piece: @escaping (Int) -> [UInt8]
    ) {
        self.name = name
        self.count = count
        self.port = port
        self.piece = piece
        interval = milliseconds * 1_000_000
    }

    var report: String {
        let codes = answers.sorted { $0.key < $1.key }.map { "\($0.value) x \($0.key)" }
        return ([name] + codes + (cut > 0 ? ["\(cut) cut"] : [])).joined(separator: " ")
    }

    func gather() throws(Failure) {
        while members.count < count { members.append(Member(descriptor: try connect())) }
    }

    private func connect() throws(Failure) -> Int32 {
        let descriptor = try Link.connected(port: port)
        _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
        return descriptor
    }

    /// Looks at some of the members: each comes up at its interval, and no more of them at a time
    /// than leave the processors to those who are measured.
    func turn() {
        let now = Monotonic.now()
        for _ in 0..<min(members.count, max(1, members.count / 100)) {
            next = (next + 1) % members.count
            guard members[next].due <= now else { continue }
            members[next].due = now + interval
            act(next)
        }
    }

    private func act(_ index: Int) {
        var member = members[index]
        defer { members[index] = member }
        if member.descriptor < 0 || isEnded(member.descriptor) {
            if member.descriptor >= 0 { close(member.descriptor) }
            do throws(Failure) {
                member = Member(descriptor: try connect(), due: member.due)
            } catch {
                // Refused for now.
                return member.descriptor = -1
            }
        }
        if member.rest.isEmpty {
            member.rest = piece(member.pieces)[...]
            member.pieces += 1
        }
        guard !member.rest.isEmpty else { return }
        let sent = member.rest.withUnsafeBytes {
            send(member.descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
        }
        if sent > 0 { member.rest = member.rest.dropFirst(sent) }
    }

    /// Notes what the server answers, and whether it ended the connection.
    private func isEnded(_ descriptor: Int32) -> Bool {
        var bytes = [UInt8](repeating: 0, count: 4096)
        let count = recv(descriptor, &bytes, bytes.count, 0)
        if count < 0, errno == EAGAIN { return false }
        guard count > 0 else {
            if count < 0 { cut += 1 }
            return true
        }
        let line = String(decoding: bytes[..<count].prefix { $0 != 13 }, as: UTF8.self)
        if line.hasPrefix("HTTP/1.1 ") {
            answers[String(line.dropFirst(9).prefix(3)), default: 0] += 1
        }
        return false
    }
}
