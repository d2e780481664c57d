import JSON
import Primitives

/// Writes messages of OTLP as protobuf or as JSON, from one description of their fields.
///
/// Write-only, and only what OTLP has: protobuf's fields by their numbers, JSON's by their names in
/// lowerCamelCase, ids in hexadecimal digits and 64-bit integers as text (OTLP 1.x, "JSON Protobuf
/// Encoding").
struct OTLPWriter {
    private let isJSON: Bool
    private var bytes: [UInt8] = []
    private var json = JSONBuilder()

    /// Protobuf's ways to write a field.
    private enum Wire: UInt64 {
        case varint = 0
        case fixed64 = 1
        case length = 2
        case fixed32 = 5
    }

    private init(isJSON: Bool) { self.isJSON = isJSON }

    /// The bytes of a whole message.
    static func message(isJSON: Bool, _ body: (inout OTLPWriter) -> Void) -> [UInt8] {
        var writer = OTLPWriter(isJSON: isJSON)
        guard isJSON else {
            body(&writer)
            return writer.bytes
        }
        writer.json.beginObject()
        body(&writer)
        writer.json.endObject()
        return writer.json.finish().bytes
    }

    // MARK: Fields

    /// Left out where it is empty, unless it is one of a choice.
    mutating func string(_ number: UInt64, _ name: String, _ value: String, always: Bool = false) {
        guard always || !value.isEmpty else { return }
        if isJSON {
            json.key(name)
            json.string(value)
        } else {
            append(number, Array(value.utf8))
        }
    }

    /// Bytes, one of a choice, and the same as text.
    mutating func binary(_ number: UInt64, _ name: String, _ content: [UInt8], base64: String) {
        if isJSON {
            json.key(name)
            json.string(base64)
        } else {
            append(number, content)
        }
    }

    /// The bytes that hexadecimal digits stand for.
    mutating func id(_ number: UInt64, _ name: String, _ words: UInt64...) {
        if isJSON {
            json.key(name)
            json.string(words.map { hexadecimal($0) }.joined())
        } else {
            append(number, words.flatMap { word in (0..<8).map { big(word, $0) } })
        }
    }

    mutating func integer(_ number: UInt64, _ name: String, _ value: UInt64) {
        guard value != 0 else { return }
        if isJSON {
            json.key(name)
            json.integer(value)
        } else {
            tag(number, .varint)
            varint(value)
        }
    }

    /// A signed 64-bit integer, one of a choice.
    mutating func int64(_ number: UInt64, _ name: String, _ value: Int64) {
        if isJSON {
            json.key(name)
            json.string(String(value))
        } else {
            tag(number, .varint)
            varint(UInt64(bitPattern: value))
        }
    }

    mutating func bool(_ number: UInt64, _ name: String, _ value: Bool) {
        if isJSON {
            json.key(name)
            json.bool(value)
        } else {
            tag(number, .varint)
            varint(value ? 1 : 0)
        }
    }

    mutating func fixed32(_ number: UInt64, _ name: String, _ value: UInt32) {
        if isJSON {
            json.key(name)
            json.integer(UInt64(value))
        } else {
            tag(number, .fixed32)
            little(UInt64(value), bytes: 4)
        }
    }

    mutating func fixed64(_ number: UInt64, _ name: String, _ value: UInt64) {
        if isJSON {
            json.key(name)
            json.string(String(value))
        } else {
            tag(number, .fixed64)
            little(value, bytes: 8)
        }
    }

    mutating func sfixed64(_ number: UInt64, _ name: String, _ value: Int64) {
        if isJSON {
            json.key(name)
            json.string(String(value))
        } else {
            tag(number, .fixed64)
            little(UInt64(bitPattern: value), bytes: 8)
        }
    }

    mutating func double(_ number: UInt64, _ name: String, _ value: Double) {
        if isJSON {
            json.key(name)
            json.double(value)
        } else {
            tag(number, .fixed64)
            little(value.bitPattern, bytes: 8)
        }
    }

    /// Numbers that stand behind one another.
    mutating func fixed64s(_ number: UInt64, _ name: String, _ values: [UInt64]) {
        packed(number, name, values, \.self) { $0.json.string(String($1)) }
    }

    mutating func doubles(_ number: UInt64, _ name: String, _ values: [Double]) {
        packed(number, name, values, \.bitPattern) { $0.json.double($1) }
    }

    private mutating func packed<Value>(
        _ number: UInt64,
        _ name: String,
        _ values: [Value],
        _ bits: KeyPath<Value, UInt64>,
        _ write: (inout OTLPWriter, Value) -> Void
    ) {
        guard !values.isEmpty else { return }
        if isJSON {
            json.key(name)
            json.beginArray()
            for value in values { write(&self, value) }
            json.endArray()
        } else {
            tag(number, .length)
            varint(UInt64(8 * values.count))
            for value in values { little(value[keyPath: bits], bytes: 8) }
        }
    }

    // MARK: Messages

    mutating func message(_ number: UInt64, _ name: String, _ body: (inout OTLPWriter) -> Void) {
        if isJSON {
            json.key(name)
            json.beginObject()
            body(&self)
            json.endObject()
        } else {
            append(number, Self.message(isJSON: false, body))
        }
    }

    mutating func repeated<Elements: Sequence>(
        _ number: UInt64,
        _ name: String,
        _ elements: Elements,
        _ body: (inout OTLPWriter, Elements.Element) -> Void
    ) {
        if isJSON {
            json.key(name)
            json.beginArray()
            for element in elements {
                json.beginObject()
                body(&self, element)
                json.endObject()
            }
            json.endArray()
        } else {
            for element in elements {
                append(number, Self.message(isJSON: false) { body(&$0, element) })
            }
        }
    }

    // MARK: Bytes

    private mutating func append(_ number: UInt64, _ content: [UInt8]) {
        tag(number, .length)
        varint(UInt64(content.count))
        bytes += content
    }

    private mutating func tag(_ number: UInt64, _ wire: Wire) {
        varint(number << 3 | wire.rawValue)
    }

    private mutating func varint(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }

    private mutating func little(_ value: UInt64, bytes count: Int) {
        for place in 0..<count {
            bytes.append(UInt8(truncatingIfNeeded: value >> UInt64(8 * place)))
        }
    }

    private func big(_ word: UInt64, _ place: Int) -> UInt8 {
        UInt8(truncatingIfNeeded: word >> UInt64(56 - 8 * place))
    }
}
