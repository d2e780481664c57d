/// Finds the line on which each key of a TOML text stands, which the TOML library does not tell.
///
/// It trusts that the text has been parsed already and only follows its shape: headers, dotted
/// and quoted keys, inline tables, lists, and strings with all that they may hide.
struct TOMLLocator {
    enum Step: Hashable {
        case key(String)
        case index(Int)
    }

    private let bytes: [UInt8]
    private var position = 0
    private var line = 1
    private var lines: [[Step]: Int] = [:]
    /// How many elements each array of tables has so far.
    private var tableCounts: [[Step]: Int] = [:]

    init(_ text: String) {
        bytes = Array(text.utf8)
        scan()
    }

    /// The line, from 1, of the value at `path`, or of the nearest table around it that is known.
    func line(of path: [Step]) -> Int {
        var path = path
        while !path.isEmpty {
            if let line = lines[path] { return line }
            path.removeLast()
        }
        return 0
    }

    private var next: UInt8? { position < bytes.count ? bytes[position] : nil }

    private mutating func advance() {
        if next == UInt8(ascii: "\n") { line += 1 }
        position += 1
    }

    private mutating func record(_ path: [Step]) {
        for length in 1...max(1, path.count) where length <= path.count {
            let prefix = Array(path.prefix(length))
            if lines[prefix] == nil { lines[prefix] = line }
        }
    }

    private mutating func scan() {
        var table: [Step] = []
        skipBlank(newlines: true)
        while next != nil {
            if next == UInt8(ascii: "[") {
                table = header()
            } else {
                keyAndValue(in: table)
            }
            skipBlank(newlines: true)
        }
    }

    private mutating func header() -> [Step] {
        advance()
        let isArray = next == UInt8(ascii: "[")
        if isArray { advance() }
        var path: [Step] = []
        let keys = dottedKey()
        for (depth, key) in keys.enumerated() {
            path.append(key)
            if isArray, depth == keys.count - 1 {
                let count = tableCounts[path, default: 0]
                tableCounts[path] = count + 1
                record(path)
                path.append(.index(count))
            } else if let count = tableCounts[path] {
                path.append(.index(count - 1))
            }
        }
        record(path)
        while next == UInt8(ascii: "]") { advance() }
        return path
    }

    private mutating func keyAndValue(in table: [Step]) {
        let start = position
        let path = table + dottedKey()
        record(path)
        if next == UInt8(ascii: "=") { advance() }
        value(at: path)
        // A text that is not TOML after all must not hold the scan up.
        if position == start { advance() }
    }

    /// Reads `a."b.c".d` and the blanks around it.
    private mutating func dottedKey() -> [Step] {
        var keys: [Step] = []
        while true {
            skipBlank(newlines: false)
            switch next {
            case UInt8(ascii: "\""), UInt8(ascii: "'"):
                let start = position + 1
                skipString()
                let end = max(start, position - 1)
                keys.append(.key(String(decoding: bytes[start..<end], as: UTF8.self)))
            default:
                let start = position
                while let byte = next, isBare(byte) { advance() }
                keys.append(.key(String(decoding: bytes[start..<position], as: UTF8.self)))
            }
            skipBlank(newlines: false)
            guard next == UInt8(ascii: ".") else { return keys }
            advance()
        }
    }

    private func isBare(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "-"), UInt8(ascii: "_"):
            true
        default: byte >= 0x80
        }
    }

    private mutating func value(at path: [Step]) {
        skipBlank(newlines: false)
        switch next {
        case UInt8(ascii: "\""), UInt8(ascii: "'"): skipString()
        case UInt8(ascii: "["): list(at: path)
        case UInt8(ascii: "{"): inlineTable(at: path)
        default: while let byte = next, !endsValue(byte) { advance() }
        }
    }

    private func endsValue(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "\n"), UInt8(ascii: ","), UInt8(ascii: "]"), UInt8(ascii: "}"),
            UInt8(ascii: "#"):
            true
        default: false
        }
    }

    private mutating func list(at path: [Step]) {
        advance()
        var index = 0
        skipBlank(newlines: true)
        while let byte = next, byte != UInt8(ascii: "]") {
            let start = position
            record(path + [.index(index)])
            value(at: path + [.index(index)])
            skipBlank(newlines: true)
            if next == UInt8(ascii: ",") {
                advance()
                index += 1
            } else if position == start {
                advance()
            }
            skipBlank(newlines: true)
        }
        advance()
    }

    private mutating func inlineTable(at path: [Step]) {
        advance()
        skipBlank(newlines: true)
        while let byte = next, byte != UInt8(ascii: "}") {
            keyAndValue(in: path)
            skipBlank(newlines: true)
            if next == UInt8(ascii: ",") { advance() }
            skipBlank(newlines: true)
        }
        advance()
    }

    /// Skips a string of any of the four kinds; stands on its opening quote.
    private mutating func skipString() {
        let quote = bytes[position]
        let isLong = bytes[position...].starts(with: [quote, quote, quote])
        for _ in 0..<(isLong ? 3 : 1) { advance() }
        while let byte = next {
            if byte == UInt8(ascii: "\\"), quote == UInt8(ascii: "\"") {
                advance()
                if next != nil { advance() }
            } else if byte != quote {
                advance()
            } else if !isLong {
                return advance()
            } else if bytes[position...].starts(with: [quote, quote, quote]) {
                // Up to two more quotes belong to the text before the closing three.
                while next == quote { advance() }
                return
            } else {
                advance()
            }
        }
    }

    private mutating func skipBlank(newlines: Bool) {
        while let byte = next {
            switch byte {
            case UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\r"): advance()
            case UInt8(ascii: "\n") where newlines: advance()
            case UInt8(ascii: "#") where newlines:
                while let byte = next, byte != UInt8(ascii: "\n") { advance() }
            default: return
            }
        }
    }
}
