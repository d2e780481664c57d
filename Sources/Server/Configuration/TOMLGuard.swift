/// Finds what the TOML library must not be given: it ends the process over some texts that it ought
/// to refuse (assertions of toml++ 3.4), and takes minutes over keys of thousands of parts.
///
/// It reads a text as the library does, statement by statement, up to what is no TOML: over that
/// the library says more. So whatever the library would come to has been looked at before.
struct TOMLGuard {
    /// What must not be given to the library.
    struct Fault: Equatable {
        /// Where the statement begins that it is in, in bytes: the text before that is harmless.
        let statement: Int
        /// From 1.
        let line: Int
        let message: String
    }

    private enum End: Error {
        case fault(Fault)
        /// The library refuses this, or something before it, in words.
        case refused
    }

    /// How deep a value may lie in tables and lists; no configuration comes near it.
    static let depthMax = 32

    private let bytes: [UInt8]
    private var position = 0
    private var line = 1
    private var statement = 0

    /// The first fault; nil: the library can be given `text`.
    static func fault(in text: String) -> Fault? {
        var reader = TOMLGuard(bytes: Array(text.utf8))
        do throws(End) {
            try reader.read()
        } catch {
            if case .fault(let fault) = error { return fault }
        }
        return nil
    }

    private init(bytes: [UInt8]) {
        self.bytes = bytes
    }

    private func fault(_ message: String) -> End {
        .fault(Fault(statement: statement, line: line, message: message))
    }

    // MARK: Statements

    private mutating func read() throws(End) {
        // A byte order mark.
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { position = 3 }
        var depth = 0
        while true {
            skipBlanks(lines: true)
            guard let byte = next else { return }
            statement = position
            if byte == UInt8(ascii: "[") {
                depth = try header()
            } else {
                try keyAndValue(in: depth)
            }
            skipBlanks(lines: false)
            switch next {
            case nil, UInt8(ascii: "\n"), UInt8(ascii: "\r"), UInt8(ascii: "#"): break
            default: throw .refused
            }
        }
    }

    /// - Returns: how deep the table lies.
    private mutating func header() throws(End) -> Int {
        advance()
        let isList = take(UInt8(ascii: "["))
        skipBlanks(lines: false)
        guard let byte = next, byte != UInt8(ascii: "]") else { throw .refused }
        guard beginsKey(byte) else {
            throw fault("behind [ the name of a table is missing")
        }
        let depth = try key(in: 0)
        guard take(UInt8(ascii: "]")), !isList || take(UInt8(ascii: "]")) else { throw .refused }
        return depth
    }

    private mutating func keyAndValue(in depth: Int) throws(End) {
        guard let byte = next, beginsKey(byte) else { throw .refused }
        let depth = try key(in: depth)
        guard take(UInt8(ascii: "=")) else { throw .refused }
        skipBlanks(lines: false)
        try value(at: depth)
    }

    /// Reads `a."b.c".d` and the blanks behind it.
    ///
    /// - Returns: how deep lies what it names, of a table that lies `depth` deep.
    private mutating func key(in depth: Int) throws(End) -> Int {
        var depth = depth
        repeat {
            skipBlanks(lines: false)
            depth = try deeper(depth)
            guard let byte = next, beginsKey(byte) else { throw .refused }
            if isQuote(byte) {
                try string()
            } else {
                while let byte = next, isBare(byte) { advance() }
            }
            skipBlanks(lines: false)
        } while take(UInt8(ascii: "."))
        return depth
    }

    private func deeper(_ depth: Int) throws(End) -> Int {
        guard depth < Self.depthMax else {
            throw fault("more than \(Self.depthMax) tables and lists are inside of one another")
        }
        return depth + 1
    }

    // MARK: Values

    private mutating func value(at depth: Int) throws(End) {
        switch next {
        case UInt8(ascii: "\""), UInt8(ascii: "'"): try string()
        case UInt8(ascii: "["): try list(at: depth)
        case UInt8(ascii: "{"): try inlineTable(at: depth)
        default: try word()
        }
    }

    private mutating func list(at depth: Int) throws(End) {
        let depth = try deeper(depth)
        advance()
        while true {
            skipBlanks(lines: true)
            if take(UInt8(ascii: "]")) { return }
            guard next != UInt8(ascii: "}"), !isForeignLineBreak else {
                throw fault("in a list a value or its closing ] is missing")
            }
            try value(at: depth)
            skipBlanks(lines: true)
            if take(UInt8(ascii: "]")) { return }
            guard take(UInt8(ascii: ",")) else { throw .refused }
        }
    }

    private mutating func inlineTable(at depth: Int) throws(End) {
        advance()
        skipBlanks(lines: false)
        if take(UInt8(ascii: "}")) { return }
        repeat {
            skipBlanks(lines: false)
            try keyAndValue(in: depth)
            skipBlanks(lines: false)
        } while take(UInt8(ascii: ","))
        guard take(UInt8(ascii: "}")) else { throw .refused }
    }

    /// Reads a number, a truth value, or a date, which may have a blank before its time.
    private mutating func word() throws(End) {
        try part()
        guard next == UInt8(ascii: " "), position + 1 < bytes.count,
            isDigit(bytes[position + 1])
        else { return }
        advance()
        // After one digit the library reads on, whatever comes.
        guard position + 1 >= bytes.count || isDigit(bytes[position + 1]) else {
            throw fault("behind a date its time is not complete")
        }
        try part()
    }

    private mutating func part() throws(End) {
        if isDateWithoutTime(bytes[position...]) {
            throw fault("behind a date and its T the time is missing")
        }
        let start = position
        while let byte = next, !endsWord(byte) {
            // Of these the library goes back further than it remembers.
            if byte == UInt8(ascii: "_"), position + 1 < bytes.count, bytes[position + 1] == byte {
                throw fault("a number has two _ beside one another")
            }
            advance()
        }
        guard position > start else { throw .refused }
    }

    /// Reads a string of any of the four kinds; stands on its opening quote.
    private mutating func string() throws(End) {
        let quote = bytes[position]
        let mark = [quote, quote, quote]
        let isLong = bytes[position...].starts(with: mark)
        for _ in 0..<(isLong ? 3 : 1) { advance() }
        while let byte = next {
            if byte == UInt8(ascii: "\n"), !isLong { throw .refused }
            if byte == UInt8(ascii: "\\"), quote == UInt8(ascii: "\"") {
                advance()
                guard let escaped = next, isLong || escaped != UInt8(ascii: "\n") else {
                    throw .refused
                }
                advance()
            } else if byte != quote {
                advance()
            } else if !isLong {
                return advance()
            } else if bytes[position...].starts(with: mark) {
                // Up to two more quotes belong to the text before the closing three.
                for _ in 0..<5 where next == quote { advance() }
                return
            } else {
                advance()
            }
        }
        throw .refused
    }

    // MARK: Bytes

    private var next: UInt8? { position < bytes.count ? bytes[position] : nil }

    private mutating func advance() {
        if next == UInt8(ascii: "\n") { line += 1 }
        position += 1
    }

    private mutating func take(_ byte: UInt8) -> Bool {
        guard next == byte else { return false }
        advance()
        return true
    }

    /// Skips what may stand between the parts of a line; with `lines`, between lines, too.
    private mutating func skipBlanks(lines: Bool) {
        while let byte = next {
            switch byte {
            case UInt8(ascii: " "), UInt8(ascii: "\t"): advance()
            case UInt8(ascii: "\n") where lines, UInt8(ascii: "\r") where lines: advance()
            case UInt8(ascii: "#") where lines:
                while let byte = next, byte != UInt8(ascii: "\n") { advance() }
            default: return
            }
        }
    }

    /// U+0085, U+2028 and U+2029: line breaks, but not those of TOML.
    private var isForeignLineBreak: Bool {
        let rest = bytes[position...]
        return rest.starts(with: [0xC2, 0x85]) || rest.starts(with: [0xE2, 0x80, 0xA8])
            || rest.starts(with: [0xE2, 0x80, 0xA9])
    }

    private func isQuote(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "'")
    }

    /// Whether a date begins here, and then `T` without a digit behind it.
    private func isDateWithoutTime(_ rest: ArraySlice<UInt8>) -> Bool {
        let pattern = "dddd-dd-dd".utf8
        guard rest.count > pattern.count + 1,
            zip(pattern, rest).allSatisfy({ $0 == UInt8(ascii: "d") ? isDigit($1) : $0 == $1 })
        else { return false }
        let mark = rest.startIndex + pattern.count
        return rest[mark] | 0x20 == UInt8(ascii: "t") && !isDigit(rest[mark + 1])
    }

    private func isDigit(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }

    private func isBare(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "-"), UInt8(ascii: "_"):
            true
        default: false
        }
    }

    private func beginsKey(_ byte: UInt8) -> Bool { isBare(byte) || isQuote(byte) }

    private func endsWord(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\n"), UInt8(ascii: "\r"),
            UInt8(ascii: ","), UInt8(ascii: "]"), UInt8(ascii: "}"), UInt8(ascii: "#"):
            true
        default: false
        }
    }
}
