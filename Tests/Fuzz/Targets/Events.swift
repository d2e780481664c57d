import Events
import RecordFormat

extension FuzzTarget {
    /// One byte, the kind; then the payload.
    static let event = FuzzTarget("event") { bytes in
        guard let kind = bytes.first,
            let event = try? Event(kind: kind, payload: dropping(1, of: bytes))
        else { return nil }
        let copy = encoded { (writer: inout ByteWriter) in event.encode(into: &writer) }
        let again = copy.withUnsafeBytes { try? Event(kind: kind, payload: $0) }
        return again == event ? nil : "\(event) is read again as \(String(describing: again))"
    }
}
