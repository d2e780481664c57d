import Primitives

extension TimeZoneRules {
    /// Reads a file of the time zone database (RFC 8536), version 2 or later.
    ///
    /// - Returns: nil: it is none, or counts leap seconds.
    package init?(name: String, tzif bytes: [UInt8]) {
        var first = BigEndian(bytes)
        guard let old = first.header(), old.version >= UInt8(ascii: "2") else { return nil }
        guard first.skip(old.bodyBytes(timeBytes: 4)), let header = first.header(),
            header.leaps == 0, header.types > 0
        else { return nil }
        var reader = first
        var changes: [Int64] = []
        var kinds: [UInt8] = []
        var types: [Int64] = []
        guard reader.left >= header.bodyBytes(timeBytes: 8) else { return nil }
        for _ in 0..<header.times { changes.append(reader.i64()) }
        for _ in 0..<header.times { kinds.append(reader.byte()) }
        for _ in 0..<header.types {
            types.append(Int64(Int32(bitPattern: reader.u32())))
            _ = reader.skip(2)
        }
        guard kinds.allSatisfy({ Int($0) < types.count }),
            zip(changes, changes.dropFirst()).allSatisfy({ $0 < $1 }),
            types.allSatisfy({ abs($0) <= 26 * 3600 }),
            reader.skip(header.names + header.standards + header.universals)
        else { return nil }
        var offsets = [types[0]] + kinds.map { types[Int($0)] }
        if let rule = reader.footer().flatMap({ POSIXZone($0) }) {
            rule.extend(&changes, &offsets)
        }
        self.init(name: name, merging: changes, offsets)
    }

    /// Without the changes that leave the offset as it was.
    private init(name: String, merging changes: [Int64], _ offsets: [Int64]) {
        var kept: [Int64] = []
        var values = [offsets[0]]
        for (change, offset) in zip(changes, offsets.dropFirst()) where offset != values.last {
            kept.append(change)
            values.append(offset)
        }
        self.init(name: name, changes: kept, offsets: values)
    }
}

/// The counts at the head of either part of a file.
private struct TZifHeader {
    let version: UInt8
    let universals: Int
    let standards: Int
    let leaps: Int
    let times: Int
    let types: Int
    let names: Int

    func bodyBytes(timeBytes: Int) -> Int {
        times * (timeBytes + 1) + types * 6 + names + leaps * (timeBytes + 4) + standards
            + universals
    }
}

/// Numbers with their highest byte first. Reading goes on only where ``left`` says that it may.
private struct BigEndian {
    private let bytes: [UInt8]
    private var position = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    var left: Int { bytes.count - position }

    mutating func skip(_ count: Int) -> Bool {
        guard count <= left else { return false }
        position += count
        return true
    }

    mutating func byte() -> UInt8 {
        defer { position += 1 }
        return bytes[position]
    }

    mutating func u32() -> UInt32 { (0..<4).reduce(0) { value, _ in value << 8 | UInt32(byte()) } }

    mutating func i64() -> Int64 {
        Int64(bitPattern: (0..<8).reduce(0) { value, _ in value << 8 | UInt64(byte()) })
    }

    mutating func header() -> TZifHeader? {
        guard left >= 44, bytes[position..<position + 4].elementsEqual("TZif".utf8) else {
            return nil
        }
        _ = skip(4)
        let version = byte()
        _ = skip(15)
        return TZifHeader(
            version: version,
            universals: Int(u32()),
            standards: Int(u32()),
            leaps: Int(u32()),
            times: Int(u32()),
            types: Int(u32()),
            names: Int(u32())
        )
    }

    /// The text between the two line ends at the end of the file.
    mutating func footer() -> String? {
        guard left >= 2, byte() == UInt8(ascii: "\n"), bytes.last == UInt8(ascii: "\n") else {
            return nil
        }
        return String(decoding: bytes[position..<bytes.count - 1], as: UTF8.self)
    }
}
