import Glibc

/// Reads the head of a request, or the trailers of a chunked body, line by line as the bytes come
/// (RFC 9112, sections 2 to 5), and refuses what another server could read otherwise: lines that do
/// not end in CRLF, parts that are not one space apart, folded headers, blanks before a colon,
/// control characters, more than one way to tell the end of the body.
struct HeadReader {
    enum Progress {
        /// The lines so far are taken; the next one is not whole.
        case unfinished
        /// The empty line behind them was taken.
        case complete
        case refused(Refusal)
    }

    private let maximumBytes: Int
    private let maximumCount: Int
    /// Whether the request line was read, or there is none: of trailers.
    private var hasLine: Bool
    /// Of the lines that were taken.
    private var byteCount = 0
    /// Bytes of the line that is not whole which were searched for its end.
    private var searched = 0

    private(set) var method = ""
    private(set) var target = HTTPTarget("/")
    private(set) var isHTTP10 = false
    private(set) var headers: [(name: String, value: String)] = []
    private var hosts = 0
    private var length: Int?
    private var encoding: String?
    private var connection: String?
    private var expectation: String?

    /// The longest target, in bytes.
    static let targetBytes = 8192

    /// - Parameters:
    ///   - bytes: of all lines together.
    ///   - count: of headers.
    ///   - isTrailer: whether there are only headers.
    init(bytes: Int, count: Int, isTrailer: Bool = false) {
        maximumBytes = bytes
        maximumCount = count
        hasLine = isTrailer
    }

    // MARK: Lines

    /// Takes the lines that `bytes` begin with.
    ///
    /// - Returns: how many bytes they have, and how far that brought it.
    mutating func read(_ bytes: UnsafeRawBufferPointer) -> (taken: Int, Progress) {
        var place = 0
        while let end = Self.lineEnd(in: bytes, from: place + searched) {
            searched = 0
            let whole = UnsafeRawBufferPointer(rebasing: bytes[place..<end])
            byteCount += whole.count + 1
            place = end + 1
            guard byteCount <= maximumBytes else { return (place, .refused(tooLong)) }
            guard whole.last == UInt8(ascii: "\r") else {
                return (place, .refused(Refusal(400, "a line must end in CRLF")))
            }
            let line = UnsafeRawBufferPointer(rebasing: whole[..<(whole.count - 1)])
            if line.isEmpty {
                // In front of a request it means nothing.
                if hasLine { return (place, .complete) }
            } else if let refusal = hasLine ? takeHeader(line) : takeRequestLine(line) {
                return (place, .refused(refusal))
            }
        }
        searched = bytes.count - place
        if byteCount + searched > maximumBytes { return (place, .refused(tooLong)) }
        let rest = UnsafeRawBufferPointer(rebasing: bytes[place...])
        if !hasLine, let refusal = Self.defect(ofBeginning: rest) {
            return (place, .refused(refusal))
        }
        return (place, .unfinished)
    }

    static func lineEnd(in bytes: UnsafeRawBufferPointer, from start: Int) -> Int? {
        guard start < bytes.count, let base = bytes.baseAddress,
            let found = memchr(base + start, Int32(UInt8(ascii: "\n")), bytes.count - start)
        else { return nil }
        return UnsafeRawPointer(found) - base
    }

    private var tooLong: Refusal {
        hasLine
            ? Refusal(431, "the headers are too many or too large")
            : Refusal(414, "the request target exceeds \(Self.targetBytes) bytes")
    }

    // MARK: The request line

    /// Methods of RFC 9110, RFC 5789 and WebDAV (RFC 4918, 3253, 5323), and others that clients
    /// send: whom a request is for says what it serves. Not just any name, of which a request line
    /// that is cut off or comes a few bytes late has one, too.
    static let methods: Set<String> = [
        "GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH",
        "PROPFIND", "PROPPATCH", "MKCOL", "COPY", "MOVE", "LOCK", "UNLOCK", "REPORT", "SEARCH",
        "QUERY", "PURGE", "LINK", "UNLINK",
    ]

    /// The longest of them, in bytes.
    private static let methodBytes = 9

    static let unknownMethod = Refusal(501, "unknown method")
    private static let malformedLine = Refusal(
        400,
        "the request line must be a method, a target and a version, as HTTP/1.1, one space apart"
    )

    /// What cannot become a request line is not waited for.
    private static func defect(ofBeginning bytes: UnsafeRawBufferPointer) -> Refusal? {
        if bytes.first == UInt8(ascii: " ") { return malformedLine }
        let method = bytes.prefix { $0 != UInt8(ascii: " ") && $0 != UInt8(ascii: "\r") }
        let isName = method.allSatisfy { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) }
        return isName && method.count <= methodBytes ? nil : unknownMethod
    }

    private mutating func takeRequestLine(_ line: UnsafeRawBufferPointer) -> Refusal? {
        let space = UInt8(ascii: " ")
        guard let first = line.firstIndex(of: space), first > 0 else {
            return line.first == space
                ? Self.malformedLine
                : Self.defect(ofBeginning: line)
                    ?? Self.malformedLine
        }
        method = String(decoding: line[..<first], as: UTF8.self)
        guard Self.methods.contains(method) else { return Self.unknownMethod }
        let rest = line[(first + 1)...]
        guard let second = rest.firstIndex(of: space), second > first + 1 else {
            return rest.count > Self.targetBytes ? tooLong : Self.malformedLine
        }
        switch line[(second + 1)...] {
        case let version where version.elementsEqual("HTTP/1.1".utf8): isHTTP10 = false
        case let version where version.elementsEqual("HTTP/1.0".utf8): isHTTP10 = true
        default: return Self.malformedLine
        }
        if method == "CONNECT" { return Refusal(501, "this server is no proxy") }
        if let refusal = takeTarget(UnsafeRawBufferPointer(rebasing: rest[..<second])) {
            return refusal
        }
        hasLine = true
        headers.reserveCapacity(8)
        return nil
    }

    private mutating func takeTarget(_ bytes: UnsafeRawBufferPointer) -> Refusal? {
        if bytes.count > Self.targetBytes { return tooLong }
        guard bytes.allSatisfy({ $0 > 0x20 && $0 != 0x7F }) else {
            return Refusal(400, "the request target has a control character")
        }
        let text = String(decoding: bytes, as: UTF8.self)
        guard HTTPTarget.isTarget(text, of: method) else { return HTTPTarget.malformed }
        target = HTTPTarget(text)
        return nil
    }

    // MARK: Headers

    private mutating func takeHeader(_ line: UnsafeRawBufferPointer) -> Refusal? {
        guard let colon = line.firstIndex(of: UInt8(ascii: ":")), colon > 0,
            line[..<colon].allSatisfy(Self.isToken)
        else {
            return Refusal(400, "a header must be a name, a colon and a value, on one line")
        }
        guard headers.count < maximumCount else { return Refusal(431, "the headers are too many") }
        var value = line[(colon + 1)...]
        while let byte = value.first, Self.isBlank(byte) { value.removeFirst() }
        while let byte = value.last, Self.isBlank(byte) { value.removeLast() }
        guard value.allSatisfy({ $0 >= 0x20 && $0 != 0x7F || $0 == 0x09 }) else {
            return Refusal(400, "a header contains a control character")
        }
        let name = Self.lowerCase(line[..<colon])
        let text = String(decoding: value, as: UTF8.self)
        headers.append((name, text))
        return note(name, text)
    }

    /// What a header says of the message itself.
    private mutating func note(_ name: String, _ value: String) -> Refusal? {
        switch name.utf8.count {
        case 4 where name == "host":
            hosts += 1
            guard value.isHost else { return .invalidHost }
        case 6 where name == "expect":
            expectation = expectation ?? value
        case 10 where name == "connection":
            connection = connection.map { "\($0),\(value)" } ?? value
        case 14 where name == "content-length":
            guard length == nil else { return Refusal(400, "more than one Content-Length") }
            length = Self.decimal(value)
            if length == nil { return Self.noLength }
        case 17 where name == "transfer-encoding":
            guard encoding == nil, value.lowercased() == "chunked" else {
                return Refusal(400, "Transfer-Encoding must be chunked and nothing else")
            }
            encoding = value
        default: break
        }
        return nil
    }

    static let noLength = Refusal(400, "Content-Length must be a number")

    /// Digits alone, eighteen at most: the only form that a `Content-Length` has.
    static func decimal(_ text: String) -> Int? {
        // Eighteen digits fit; a sign, which Int would read, is none.
        guard (1...18).contains(text.utf8.count),
            text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) })
        else { return nil }
        return Int(text)
    }

    private static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }

    /// Which bytes below 128 may stand in a token (RFC 9110, 5.6.2), one bit each.
    private static let tokens: (low: UInt64, high: UInt64) = (
        0x03FF_6CFA_0000_0000, 0x57FF_FFFF_C7FF_FFFE
    )

    static func isToken(_ byte: UInt8) -> Bool {
        guard byte < 128 else { return false }
        let bits = byte < 64 ? tokens.low : tokens.high
        return bits >> UInt64(byte & 63) & 1 != 0
    }

    private static func lowerCase(_ name: Slice<UnsafeRawBufferPointer>) -> String {
        String(unsafeUninitializedCapacity: name.count) { content in
            for (place, byte) in name.enumerated() {
                let isUpper = (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte)
                content[place] = isUpper ? byte | 0x20 : byte
            }
            return name.count
        }
    }

    // MARK: The whole

    /// The head of which all lines were read.
    func finish() throws(Refusal) -> RequestHead {
        guard hosts == 1 || hosts == 0 && isHTTP10 else {
            throw Refusal(400, "exactly one Host header is required")
        }
        if encoding != nil {
            guard length == nil else {
                throw Refusal(400, "both Content-Length and Transfer-Encoding")
            }
            // HTTP/1.0 knows no chunks.
            guard !isHTTP10 else { throw Refusal(400, "Transfer-Encoding in HTTP/1.0") }
        }
        return RequestHead(
            method: method,
            target: target,
            version: isHTTP10 ? .http1_0 : .http1_1,
            headers: joiningCookies(headers),
            body: encoding == nil ? .length(length ?? 0) : .chunks,
            keepsAlive: isHTTP10 ? names("keep-alive") : !names("close"),
            expectation: expected
        )
    }

    /// What was read so far of a head that is not whole, or is refused; nil: no request line.
    var unfinished: RequestHead? {
        // Trailers have none either.
        guard hasLine, !method.isEmpty else { return nil }
        return RequestHead(
            method: method,
            target: target,
            version: isHTTP10 ? .http1_0 : .http1_1,
            headers: headers,
            body: .length(0),
            keepsAlive: false,
            expectation: .none
        )
    }

    /// Whether `option` is among those of the connection.
    private func names(_ option: String) -> Bool {
        guard let connection else { return false }
        return connection.lowercased().split(separator: ",").contains { part in
            part.drop { $0 == " " || $0 == "\t" }.prefix { $0 != " " && $0 != "\t" } == option
        }
    }

    private var expected: RequestHead.Expectation {
        guard let expectation, !isHTTP10 else { return .none }
        return expectation.lowercased() == "100-continue" ? .goOn : .unknown
    }
}
