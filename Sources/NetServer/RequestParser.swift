package import NIOCore

/// Reads the requests of one connection of HTTP/1.1 or 1.0 from its bytes (RFC 9112), a part at a
/// time, for who asks: what nobody asks for stays as it came.
///
///     head ---> body of a length ------------------------------> end --> head ...
///        '----> size --> chunk --> end of chunk --> size ...      |
///                 '---- 0 ----> trailers -------------------------'
///
/// It never resumes behind a refusal.
package struct RequestParser {
    package enum Part {
        case head(RequestHead)
        case body(ByteBuffer)
        case end
    }

    private enum State {
        case head
        case body(left: Int)
        case size
        case chunk(left: Int)
        case chunkEnd
        case trailers
        case end
    }

    private let settings: HTTPSettings
    private var state = State.head
    private var reader: HeadReader
    private var buffer = ByteBuffer()
    /// Of the lines with sizes of chunks, what is no size: in bytes, of one body.
    private var extensionBytes = 0

    package init(_ settings: HTTPSettings) {
        self.settings = settings
        reader = HeadReader(bytes: settings.headerBytes, count: settings.headerCount)
    }

    /// Whether there is something that was not asked for yet, or is not whole.
    var hasBytes: Bool { buffer.readableBytes > 0 }

    /// What was read of a head that is not whole; nil: not even its request line.
    var unfinishedHead: RequestHead? { reader.unfinished }

    /// For tests: the memory of what is there, in bytes.
    var capacity: Int { buffer.storageCapacity }

    package mutating func feed(_ bytes: ByteBuffer) {
        if buffer.readableBytes == 0 {
            buffer = bytes
        } else {
            // Or a line that is cut by every read would keep all that came before it.
            buffer.discardReadBytes()
            var bytes = bytes
            buffer.writeBuffer(&bytes)
        }
    }

    /// What came behind the last part, which is no request any more.
    mutating func takeRest() -> ByteBuffer {
        defer { buffer = ByteBuffer() }
        return buffer
    }

    /// - Returns: nil: more has to come.
    package mutating func next() throws(Refusal) -> Part? {
        let part = try read()
        // Whoever reads from the socket may use the memory again.
        if buffer.readableBytes == 0 { buffer = ByteBuffer() }
        return part
    }

    private mutating func read() throws(Refusal) -> Part? {
        while true {
            switch state {
            case .head:
                guard try readLines() else { return nil }
                let head = try reader.finish()
                reader = HeadReader(bytes: settings.headerBytes, count: settings.headerCount)
                begin(head.body)
                return .head(head)
            case .body(let left):
                guard let bytes = take(atMost: left) else { return nil }
                let rest = left - bytes.readableBytes
                state = rest > 0 ? .body(left: rest) : .end
                return .body(bytes)
            case .size:
                guard let size = try readSize() else { return nil }
                state = size > 0 ? .chunk(left: size) : .trailers
                guard size == 0 else { continue }
                reader = HeadReader(
                    bytes: settings.headerBytes,
                    count: settings.headerCount,
                    isTrailer: true
                )
            case .chunk(let left):
                guard let bytes = take(atMost: left) else { return nil }
                let rest = left - bytes.readableBytes
                state = rest > 0 ? .chunk(left: rest) : .chunkEnd
                return .body(bytes)
            case .chunkEnd:
                guard let end = buffer.readInteger(as: UInt16.self) else { return nil }
                guard end == 0x0D0A else { throw Self.malformedChunk }
                state = .size
            case .trailers:
                // They mean nothing here, but must be headers.
                guard try readLines() else { return nil }
                reader = HeadReader(bytes: settings.headerBytes, count: settings.headerCount)
                state = .end
            case .end:
                state = .head
                return .end
            }
        }
    }

    private mutating func begin(_ body: RequestHead.Body) {
        switch body {
        case .length(0): state = .end
        case .length(let length): state = .body(left: length)
        case .chunks:
            state = .size
            extensionBytes = 0
        }
    }

    private mutating func take(atMost count: Int) -> ByteBuffer? {
        guard buffer.readableBytes > 0 else { return nil }
        return buffer.readSlice(length: min(count, buffer.readableBytes))
    }

    /// - Returns: whether the empty line behind them has come.
    private mutating func readLines() throws(Refusal) -> Bool {
        guard buffer.readableBytes > 0 else { return false }
        let bytes = buffer
        let (taken, progress) = bytes.withUnsafeReadableBytes { reader.read($0) }
        buffer.moveReaderIndex(forwardBy: taken)
        switch progress {
        case .unfinished: return false
        case .complete: return true
        case .refused(let refusal): throw refusal
        }
    }

    // MARK: Chunks

    private static let malformedChunk = Refusal(400, "the body is not chunked as HTTP has it")

    /// Takes the line in front of a chunk (RFC 9112, 7.1).
    ///
    /// - Returns: nil: it is not whole.
    private mutating func readSize() throws(Refusal) -> Int? {
        let bytes = buffer
        let line = bytes.withUnsafeReadableBytes { bytes -> (count: Int, size: ChunkSize?)? in
            guard let end = HeadReader.lineEnd(in: bytes, from: 0) else { return nil }
            let size = ChunkSize(UnsafeRawBufferPointer(rebasing: bytes[..<end]))
            return (count: end + 1, size: size)
        }
        guard let line else {
            guard buffer.readableBytes + extensionBytes <= settings.headerBytes else {
                throw Self.malformedChunk
            }
            return nil
        }
        guard let size = line.size else { throw Self.malformedChunk }
        extensionBytes += size.extensionBytes
        guard extensionBytes <= settings.headerBytes else {
            throw Refusal(400, "the extensions of chunks are too many or too large")
        }
        buffer.moveReaderIndex(forwardBy: line.count)
        return size.size
    }
}

/// The line in front of a chunk.
struct ChunkSize {
    var size = 0
    var extensionBytes = 0

    /// Nil: it is none. `line` is without its line feed.
    init?(_ line: UnsafeRawBufferPointer) {
        guard line.last == UInt8(ascii: "\r") else { return nil }
        let line = line[..<(line.count - 1)]
        let digits = line.prefix { $0 != UInt8(ascii: ";") }
        guard (1...15).contains(digits.count) else { return nil }
        for digit in digits {
            guard let value = Self.value(ofDigit: digit) else { return nil }
            size = size << 4 | value
        }
        let rest = line[digits.endIndex...]
        guard Self.areExtensions(rest) else { return nil }
        extensionBytes = rest.count
    }

    /// Whether these are `;name`, `;name=value` and `;name="value"`, without blanks.
    private static func areExtensions(_ bytes: Slice<UnsafeRawBufferPointer>) -> Bool {
        var rest = bytes
        while let first = rest.popFirst() {
            guard first == UInt8(ascii: ";"), takeToken(from: &rest) else { return false }
            guard rest.first == UInt8(ascii: "=") else { continue }
            rest.removeFirst()
            guard takeToken(from: &rest) || takeQuoted(from: &rest) else { return false }
        }
        return true
    }

    private static func takeToken(from bytes: inout Slice<UnsafeRawBufferPointer>) -> Bool {
        let end = bytes.firstIndex { !HeadReader.isToken($0) } ?? bytes.endIndex
        defer { bytes = bytes[end...] }
        return end > bytes.startIndex
    }

    private static func takeQuoted(from bytes: inout Slice<UnsafeRawBufferPointer>) -> Bool {
        guard bytes.popFirst() == UInt8(ascii: "\"") else { return false }
        while let byte = bytes.popFirst() {
            if byte == UInt8(ascii: "\"") { return true }
            guard byte >= 0x20 && byte < 0x7F && byte != UInt8(ascii: "\\") else { return false }
        }
        return false
    }

    private static func value(ofDigit byte: UInt8) -> Int? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): Int(byte - UInt8(ascii: "0"))
        case UInt8(ascii: "a")...UInt8(ascii: "f"): Int(byte - UInt8(ascii: "a")) + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): Int(byte - UInt8(ascii: "A")) + 10
        default: nil
        }
    }
}
