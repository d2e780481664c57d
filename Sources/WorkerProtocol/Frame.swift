package import JSON

/// A message of the worker WebSocket: one JSON object with a string `type`.
///
/// ``WorkerFrame`` is what a worker says, ``EngineFrame`` what the engine answers. Both are read
/// and written here, so that the engine and a Swift worker share one understanding of the wire.
package protocol Frame: OutgoingFrame {
    /// Reads one message in one pass, whatever the order of its members. Keeps no pointer into
    /// `bytes`.
    init(decoding bytes: UnsafeBufferPointer<UInt8>) throws(FrameError)
}

/// A message as it is written.
package protocol OutgoingFrame: Equatable, Sendable {
    /// Describes the message as compact standard JSON; the same each time.
    func encode(to sink: inout some FrameSink)
}

extension Frame {
    /// Reads a message from an array: for paths that run rarely.
    package init(decoding bytes: [UInt8]) throws(FrameError) {
        let decoded = bytes.withUnsafeBufferPointer { buffer in
            Result { () throws(FrameError) in try Self(decoding: buffer) }
        }
        self = try decoded.get()
    }
}

extension OutgoingFrame {
    /// Exactly how many bytes ``write(into:)`` writes.
    package var byteCount: Int {
        var counter = ByteCounter()
        encode(to: &counter)
        return counter.count
    }

    /// Writes the message at the start of `buffer`, which must have room for ``byteCount`` bytes,
    /// and returns how many that were.
    package func write(into buffer: UnsafeMutableRawBufferPointer) -> Int {
        var filler = ByteFiller(buffer)
        encode(to: &filler)
        return filler.count
    }

    /// The message's bytes.
    package var bytes: [UInt8] {
        let count = byteCount
        return [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
            initialized = write(into: UnsafeMutableRawBufferPointer(buffer))
        }
    }
}

/// Why bytes are not a message. The peer's fault, never the reader's: log it and keep the
/// connection (protocol 1.2).
package enum FrameError: Error, Equatable, Sendable {
    /// Nothing but white space: to be ignored without a word.
    case blank
    /// Not JSON at all, or nested too deep.
    case notJSON(JSONError)
    /// JSON, but not an object. `position` is the offset of the offending byte.
    case notAnObject(position: Int)
    /// A message of type `message` lacks `field`; `message` is empty where `type` itself is
    /// missing.
    case missing(field: String, message: String)
    /// A field holds another kind of value than its message allows, at byte offset `position`.
    case wrongType(field: String, message: String, position: Int)
    /// A field of a message of type `message`, maybe deep inside, is not what it has to be.
    case field(JSONFieldError, message: String)
}

extension FrameError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .blank: "the message is empty"
        case .notJSON(let error): "the message is not JSON: \(error)"
        case .notAnObject(let position): "the message is not a JSON object (byte \(position))"
        case .missing(let field, ""): "the message has no \"\(field)\""
        case .missing(let field, let message): "\(message) has no \"\(field)\""
        case .wrongType(let field, let message, let position):
            "\(message.isEmpty ? "the message" : message): \"\(field)\" at byte \(position) "
                + "holds a value of the wrong type"
        case .field(let error, let message): "\(message): \(error)"
        }
    }
}
