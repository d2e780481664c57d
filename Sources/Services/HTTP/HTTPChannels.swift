package import Primitives

/// The two channels of a request, as the edge keeps them (services 1, A.4): its body to be read,
/// and its response to be written.
package struct HTTPChannels: Equatable, Sendable {
    package let requestBody: ChannelID
    package let response: ChannelID
    /// Of both.
    package let key: UUID128

    package init(requestBody: ChannelID, response: ChannelID, key: UUID128) {
        self.requestBody = requestBody
        self.response = response
        self.key = key
    }

    /// What stands around the two ids and the keys, in the order of the members.
    private static let pieces: [StaticString] = [
        #","request_body":{"channel_id":""#, #"","access_key":""#,
        #"","direction":"read"},"response":{"channel_id":""#, #"","access_key":""#,
        #"","direction":"write"}}"#,
    ]

    /// The object `text` with the members `request_body` and `response` behind its own, of which it
    /// must have some. For every request: nothing is escaped, and nothing made that is thrown away.
    func appended(to text: [UInt8]) -> [UInt8] {
        let pieceBytes = Self.pieces.reduce(0) { $0 + $1.utf8CodeUnitCount }
        let count = text.count - 1 + pieceBytes + 4 * UUID128.textBytes
        return [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            guard var place = UnsafeMutableRawPointer(buffer.baseAddress) else { return }
            text.withUnsafeBytes { object in
                guard let start = object.baseAddress else { return }
                place.copyMemory(from: start, byteCount: object.count - 1)
            }
            place += text.count - 1
            var ids = [requestBody.uuid, key, response.uuid, key].makeIterator()
            for piece in Self.pieces {
                place.copyMemory(from: piece.utf8Start, byteCount: piece.utf8CodeUnitCount)
                place += piece.utf8CodeUnitCount
                guard let id = ids.next() else { break }
                id.write(to: place)
                place += UUID128.textBytes
            }
            filled = count
        }
    }
}
