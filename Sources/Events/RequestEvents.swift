package import Primitives
package import RecordFormat

/// A request with an `Idempotency-Key` runs its function: another one with that key, of the same
/// route, does not. The record's cause is its `triggered` record.
package struct RequestKeyed: EventBody {
    package static let kind = EventKind.requestKeyed

    /// The method and the path of the trigger: `POST /orders/:id`.
    package let route: String
    package let key: String
    /// A hash of what was asked for: method, path, query and body.
    package let fingerprint: UInt64
    /// Until when the key counts; exclusive.
    package let expires: Timestamp

    package init(route: String, key: String, fingerprint: UInt64, expires: Timestamp) {
        self.route = route
        self.key = key
        self.fingerprint = fingerprint
        self.expires = expires
    }

    package func encode(into writer: inout ByteWriter) {
        writer.text(route)
        writer.text(key)
        writer.u64(fingerprint)
        writer.i64(expires.nanoseconds)
    }

    package init(from reader: inout ByteReader) throws(DecodeError) {
        route = try reader.text()
        key = try reader.text()
        fingerprint = try reader.u64()
        expires = try reader.timestamp()
    }
}

/// The response to a request with a key: others with that key get the same one.
package struct RequestKept: EventBody {
    package static let kind = EventKind.requestKept

    /// The `keyed` record.
    package let request: Offset
    /// Nil: it was written as a stream, or is too large, and cannot be repeated.
    package let response: Response?

    package struct Response: Equatable, Sendable {
        package let status: UInt16
        /// In order, those with secrets left out.
        package let headers: [Header]
        package let body: [UInt8]

        package init(status: UInt16, headers: [Header], body: [UInt8]) {
            self.status = status
            self.headers = headers
            self.body = body
        }
    }

    package struct Header: Equatable, Sendable {
        package let name: String
        package let value: String

        package init(name: String, value: String) {
            self.name = name
            self.value = value
        }
    }

    package init(request: Offset, response: Response?) {
        self.request = request
        self.response = response
    }

    package func encode(into writer: inout ByteWriter) {
        writer.u64(request.rawValue)
        guard let response else { return writer.byte(0) }
        writer.byte(1)
        writer.u16(response.status)
        writer.varint(UInt64(response.headers.count))
        for header in response.headers {
            writer.text(header.name)
            writer.text(header.value)
        }
        writer.bytes(response.body)
    }

    package init(from reader: inout ByteReader) throws(DecodeError) {
        request = Offset(try reader.u64())
        guard try reader.byte() != 0 else {
            response = nil
            return
        }
        let status = try reader.u16()
        var headers: [Header] = []
        for _ in 0..<(try reader.varint()) {
            let name = try reader.text()
            headers.append(Header(name: name, value: try reader.text()))
        }
        response = Response(status: status, headers: headers, body: try reader.bytes())
    }
}

/// A request with a key came to nothing that could be repeated: the next one runs again.
package struct RequestReleased: EventBody {
    package static let kind = EventKind.requestReleased

    /// The `keyed` record.
    package let request: Offset
    /// Why, for people.
    package let reason: String

    package init(request: Offset, reason: String) {
        self.request = request
        self.reason = reason
    }

    package func encode(into writer: inout ByteWriter) {
        writer.u64(request.rawValue)
        writer.text(reason)
    }

    package init(from reader: inout ByteReader) throws(DecodeError) {
        request = Offset(try reader.u64())
        reason = try reader.text()
    }
}

/// A request with a key that is known gets, or waits for, the response of the first. The record's
/// cause is its own `triggered` record.
package struct RequestRepeated: EventBody {
    package static let kind = EventKind.requestRepeated

    /// The `keyed` record.
    package let request: Offset

    package init(request: Offset) { self.request = request }

    package func encode(into writer: inout ByteWriter) { writer.u64(request.rawValue) }

    package init(from reader: inout ByteReader) throws(DecodeError) {
        request = Offset(try reader.u64())
    }
}

/// What is logged of requests with an `Idempotency-Key`.
package enum RequestEvent: Equatable, Sendable {
    case keyed(RequestKeyed)
    case kept(RequestKept)
    case released(RequestReleased)
    case repeated(RequestRepeated)
}

extension RequestEvent {
    init(_ kind: EventKind, from reader: inout ByteReader) throws(DecodeError) {
        switch kind {
        case .requestKeyed: self = .keyed(try RequestKeyed(from: &reader))
        case .requestKept: self = .kept(try RequestKept(from: &reader))
        case .requestReleased: self = .released(try RequestReleased(from: &reader))
        default: self = .repeated(try RequestRepeated(from: &reader))
        }
    }

    var kind: EventKind {
        switch self {
        case .keyed: RequestKeyed.kind
        case .kept: RequestKept.kind
        case .released: RequestReleased.kind
        case .repeated: RequestRepeated.kind
        }
    }

    func encode(into writer: inout ByteWriter) {
        switch self {
        case .keyed(let event): event.encode(into: &writer)
        case .kept(let event): event.encode(into: &writer)
        case .released(let event): event.encode(into: &writer)
        case .repeated(let event): event.encode(into: &writer)
        }
    }
}
