package import JSON
package import Primitives

/// The functions that hand out the files of the log, for tools that cannot read them themselves.
package enum SegmentFunction: String, CaseIterable, Sendable {
    case list = "engine::segments::list"
    case read = "engine::segments::read"
}

/// What is asked of the log's files.
package enum SegmentQuestion: Equatable, Sendable {
    /// Which there are, and where.
    case list
    case read(SegmentPart)

    /// - Throws: `deserialization_error`, with what is wrong.
    package init(_ function: SegmentFunction, _ input: JSONText) throws(ErrorBody) {
        switch function {
        case .list: self = .list
        case .read:
            self = .read(
                try JSONFields.read(input, of: function.rawValue) {
                    (fields) throws(JSONFieldError) in
                    try SegmentPart(fields)
                }
            )
        }
    }

    package var function: SegmentFunction {
        switch self {
        case .list: .list
        case .read: .read
        }
    }

    /// What the function is called with.
    package var input: JSONText {
        switch self {
        case .list: .emptyObject
        case .read(let part): part.json
        }
    }
}

/// Bytes of one segment: `{"segment", "position", "bytes", "salt"}`.
package struct SegmentPart: Equatable, Sendable {
    package let segment: UInt64
    /// In bytes, a multiple of ``page``.
    package let position: Int
    /// How many bytes, a multiple of ``page`` up to ``countMax``.
    package let count: Int
    /// In the header of the file that is meant; nil: of whichever has the segment's name.
    package let salt: UInt64?

    /// What positions and counts are multiples of.
    package static let page = 4096
    /// Bytes of one answer: they travel as twice as many digits.
    package static let countMax = 1 << 20

    package init(segment: UInt64, position: Int, count: Int, salt: UInt64?) {
        self.segment = segment
        self.position = position
        self.count = count
        self.salt = salt
    }

    fileprivate init(_ fields: JSONFields) throws(JSONFieldError) {
        let number = try fields.requiredInteger("segment")
        guard let segment = UInt64(exactly: number) else {
            throw fields.mismatch("segment", expected: "an integer of 0 or more")
        }
        let position = try fields.optionalCount("position") ?? 0
        guard position % Self.page == 0 else {
            throw fields.mismatch("position", expected: "a multiple of \(Self.page)")
        }
        let count = try fields.optionalCount("bytes") ?? Self.countMax
        guard count > 0, count % Self.page == 0, count <= Self.countMax else {
            throw fields.mismatch(
                "bytes",
                expected: "a multiple of \(Self.page) up to \(Self.countMax)"
            )
        }
        let salt = try fields.optionalString("salt").flatMap { hexadecimal($0.utf8) }
        self.init(segment: segment, position: position, count: count, salt: salt)
    }

    fileprivate var json: JSONText {
        var json = JSONBuilder()
        json.beginObject()
        json.key("segment")
        json.integer(segment)
        json.key("position")
        json.integer(position)
        json.key("bytes")
        json.integer(count)
        if let salt {
            json.key("salt")
            json.string(hexadecimal(salt))
        }
        json.endObject()
        return json.finish()
    }
}
