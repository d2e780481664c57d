import JSON
import Primitives

/// The input of `engine::workers::register` (protocol 6.1).
struct WorkerDescription {
    let name: String?
    let namespace: String?
    let runtime: String?
    let version: String?
    private let os: String?
    private let description: String?
    private let isolation: String?
    private let pid: Int64?
    private let features: [String]

    /// - Throws: `deserialization_error` or `INVALID_NAMESPACE`.
    init(_ input: JSONText) throws(ErrorBody) {
        do throws(JSONFieldError) {
            let fields = try JSONFields(input.isNull ? .emptyObject : input)
            name = try fields.optionalString("name").flatMap(Self.plain)
            namespace = try fields.optionalString("namespace")
            runtime = try fields.optionalString("runtime")
            version = try fields.optionalString("version")
            os = try fields.optionalString("os")
            description = try fields.optionalString("description").flatMap(Self.plain)
            isolation = try fields.optionalString("isolation")
            pid = try fields.optionalInteger("pid")
            features = try fields.optionalArray("features")?.compactMap(\.stringValue) ?? []
            // Nobody asks for it, and it holds a key of somebody else's service.
            _ = try fields.optionalObject("telemetry")
        } catch {
            throw ErrorBody(
                code: "deserialization_error",
                message: "Failed to deserialize input for engine::workers::register: \(error)"
            )
        }
        if let namespace, namespace.utf8.count > Limits.nameBytes {
            throw ErrorBody(
                code: "INVALID_NAMESPACE",
                message: "a namespace has at most \(Limits.nameBytes) bytes"
            )
        }
        if let namespace, namespace.isBlank {
            throw ErrorBody(code: "INVALID_NAMESPACE", message: "namespace must not be blank")
        }
    }

    /// Where the worker lives once this is known.
    func home(of worker: Worker) -> String {
        worker.pending == nil ? worker.namespace : namespace ?? worker.namespace
    }

    /// What is absent stays as it was; the namespace is fixed by the first registration.
    func update(_ worker: Worker) {
        worker.name = name ?? worker.name
        worker.runtime = runtime ?? worker.runtime
        worker.version = version ?? worker.version
        worker.os = os ?? worker.os
        worker.description = description ?? worker.description
        worker.isolation = isolation ?? worker.isolation
        worker.pid = pid ?? worker.pid
        if !features.isEmpty { worker.features = features }
        worker.observes = worker.features.contains(EngineOptions.observeFeature)
        if worker.pending != nil, let namespace { worker.namespace = namespace }
    }

    /// Without control characters and bidirectional overrides, at most 280 characters.
    private static func plain(_ text: String) -> String? {
        let scalars = text.unicodeScalars.filter { scalar in
            switch scalar.value {
            case 0...0x1F, 0x7F...0x9F, 0x2028, 0x2029, 0x202A...0x202E, 0x2066...0x2069: false
            default: true
            }
        }
        let cut = String(String.UnicodeScalarView(scalars)).prefix(280)
        let trimmed = cut.drop(while: \.isWhitespace)
        let end = trimmed.lastIndex { !$0.isWhitespace }
        return end.map { String(trimmed[...$0]) }
    }
}
