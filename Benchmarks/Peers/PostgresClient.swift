/// PostgreSQL's protocol, version 3, as far as inserting rows by a prepared statement needs it.
struct PostgresClient {
    private let link: Link
    private let reactor: Reactor

    private static let version: UInt32 = 3 << 16

    /// Opens a session of the user `bench`.
    init(_ link: Link, on reactor: Reactor) throws(Failure) {
        self.link = link
        self.reactor = reactor
        let settings = Array("user\0bench\0database\0postgres\0\0".utf8)
        var startup = [UInt8]()
        startup.append(bigEndian: UInt32(settings.count + 8))
        startup.append(bigEndian: Self.version)
        try ask(startup + settings)
    }

    /// Runs a statement without parameters.
    func run(_ statement: String) throws(Failure) {
        try ask(Self.message("Q", Array(statement.utf8) + [0]))
    }

    /// Inserting a row of 256 bytes by `statement`, which has one parameter, as a transaction of
    /// its own.
    func inserting(_ statement: String) throws(Failure) -> Dialogue {
        let name = Array("insert".utf8) + [0]
        let sync = Self.message("S", [])
        try ask(Self.message("P", name + Array(statement.utf8) + [0, 0, 0]) + sync)
        let size = 256
        // An unnamed portal, the statement, no formats (text), one parameter.
        var bind: [UInt8] = [0] + name + [0, 0, 0, 1]
        bind.append(bigEndian: UInt32(size))
        bind += [UInt8](repeating: UInt8(ascii: "x"), count: size)
        bind += [0, 0]
        let execute: [UInt8] = [0, 0, 0, 0, 0]
        let request = Self.message("B", bind) + Self.message("E", execute) + sync
        return Dialogue(request: request) { (bytes) throws(Failure) in
            guard let extent = try Self.readyExtent(bytes) else { return nil }
            return Answer(extent: extent)
        }
    }

    private func ask(_ messages: [UInt8]) throws(Failure) {
        _ = try reactor.exchange(messages, on: link, what: "answer of PostgreSQL") {
            (bytes) throws(Failure) -> Reactor.Step<Bool> in
            guard let extent = try Self.readyExtent(bytes) else { return .notWhole }
            return .done(true, extent)
        }
    }

    /// Bytes up to the end of the first message that says that the server is ready for the next
    /// request; nil while it is not there.
    private static func readyExtent(_ bytes: UnsafeRawBufferPointer) throws(Failure) -> Int? {
        var position = 0
        while bytes.count >= position + 5 {
            let type = bytes[position]
            let length = Int(bytes.bigEndian(at: position + 1, as: UInt32.self))
            let end = position + 1 + length
            guard bytes.count >= end else { return nil }
            let isRefusal =
                type == UInt8(ascii: "E")
                || (type == UInt8(ascii: "R")
                    && bytes.bigEndian(at: position + 5, as: UInt32.self) != 0)
            if isRefusal {
                throw Failure("PostgreSQL answered \(bytes.text((position + 5)..<end))")
            }
            if type == UInt8(ascii: "Z") { return end }
            position = end
        }
        return nil
    }

    private static func message(_ type: Unicode.Scalar, _ body: [UInt8]) -> [UInt8] {
        var message = [UInt8(ascii: type)]
        message.append(bigEndian: UInt32(body.count + 4))
        return message + body
    }
}
