import JSON
import Primitives

/// What is there: workers, functions, trigger types and triggers, for whoever asks (protocol 6.2
/// to 6.7).
///
/// Lists are sorted by what names their rows, so that equal engines give equal answers.
struct Catalogue {
    let registry: Registry
    /// The engine's own version, and when it was started: its modules are listed with both.
    let version: String
    let started: Timestamp
    /// Where its modules listen, by the names of the ports file, as far as whoever asks may know.
    let addresses: [String: String]
    /// What a worker has told about itself of late; nil: nothing.
    let latestMetrics: (Worker) -> JSONObject?
    /// Whether whoever asks may know of a function.
    let isShown: (FunctionName) -> Bool

    /// Runs one of the functions that list.
    ///
    /// - Throws: what the function refuses.
    func answer(_ function: ListingFunction, _ input: JSONText) throws(ErrorBody) -> JSONText {
        let name = function.rawValue
        let answer: JSONObject
        switch function {
        case .workers: answer = list(try JSONFields.read(input, of: name, WorkerQuery.init))
        case .worker: answer = try info(JSONFields.read(input, of: name, WorkerName.init))
        case .functions: answer = list(try JSONFields.read(input, of: name, FunctionQuery.init))
        case .function:
            answer = try info(JSONFields.read(input, of: name, FunctionNames.init))
        case .triggerTypes:
            answer = list(try JSONFields.read(input, of: name, TriggerTypeQuery.init))
        case .triggerType:
            answer = try info(JSONFields.read(input, of: name, TriggerTypeName.init))
        case .triggers: answer = list(try JSONFields.read(input, of: name, TriggerQuery.init))
        case .trigger:
            answer = try info(
                trigger: JSONFields.read(input, of: name) { (fields) throws(JSONFieldError) in
                    try fields.requiredString("id")
                }
            )
        }
        return JSONValue.object(answer).text
    }

    static func notFound(_ message: String) -> ErrorBody {
        ErrorBody(code: "NOT_FOUND", message: message)
    }

    /// What stands before the first `::` of an id: its owner, where nobody better is known.
    static func service(of id: String) -> String {
        id.firstRange(of: "::").map { String(id[..<$0.lowerBound]) } ?? id
    }
}

/// The functions that list what is there.
enum ListingFunction: String, CaseIterable {
    case workers = "engine::workers::list"
    case worker = "engine::workers::info"
    case functions = "engine::functions::list"
    case function = "engine::functions::info"
    case triggerTypes = "engine::triggers::list"
    case triggerType = "engine::triggers::info"
    case triggers = "engine::registered-triggers::list"
    case trigger = "engine::registered-triggers::info"
}

extension String {
    /// Whether it has this text, which is in lower case, in any case; no text is in every string.
    func matches(_ search: String?) -> Bool {
        guard let search, !search.isEmpty else { return true }
        return lowercased().contains(search)
    }
}
