import FoundationEssentials

/// Users' types to and from JSON. Times are ISO 8601, which every language reads. Nothing else in
/// the package goes through Foundation.
enum JSONCoding {
    static func encode(_ value: some Encodable, what: String) throws(SDKError) -> RawJSON {
        let encoder = JSONEncoder()
        encoder.dateEncodingStrategy = .iso8601
        do {
            return RawJSON(trusted: Array(try encoder.encode(value)))
        } catch {
            throw SDKError(code: .serialization, message: "cannot write \(what): \(error)")
        }
    }

    static func decode<Value: Decodable>(
        _ type: Value.Type,
        from bytes: [UInt8],
        what: String
    ) throws(SDKError) -> Value {
        let decoder = JSONDecoder()
        decoder.dateDecodingStrategy = .iso8601
        do {
            return try decoder.decode(type, from: Data(bytes))
        } catch let error as DecodingError {
            throw SDKError(
                code: .deserialization,
                message: "\(what) is no \(Value.self): \(reason(error))"
            )
        } catch {
            throw SDKError(code: .deserialization, message: "cannot read \(what): \(error)")
        }
    }

    private static func reason(_ error: DecodingError) -> String {
        switch error {
        case .keyNotFound(let key, let context):
            "missing field \"\(path(context.codingPath + [key]))\""
        case .typeMismatch(_, let context), .valueNotFound(_, let context):
            place(context) + context.debugDescription
        case .dataCorrupted(let context): place(context) + context.debugDescription
        @unknown default: "\(error)"
        }
    }

    private static func place(_ context: DecodingError.Context) -> String {
        context.codingPath.isEmpty ? "" : "field \"\(path(context.codingPath))\": "
    }

    private static func path(_ keys: [any CodingKey]) -> String {
        keys.map { key in key.intValue.map(String.init) ?? key.stringValue }
            .joined(separator: ".")
    }
}
