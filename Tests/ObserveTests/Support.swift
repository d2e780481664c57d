import JSON
import Observe
import Primitives

func json(_ text: String) -> JSONText { JSONText(trusted: Array(text.utf8)) }

/// An event's parts, as members of one object.
func document(_ text: String) -> Filter.Document {
    let parts = json(text)
    return Filter.Document(
        input: parts.member("input"),
        output: parts.member("output"),
        error: parts.member("error"),
        caller: parts.member("caller"),
        metadata: parts.member("metadata")
    )
}

/// What the filter says of the event; nil, it is refused.
func answer(_ filter: String, _ event: String) -> Bool? {
    do throws(ErrorBody) {
        return try Filter(json(filter)).matches(document(event))
    } catch {
        return nil
    }
}

/// Why the filter is refused; nil: it is not.
func refusal(_ filter: String) -> ErrorBody? {
    do throws(ErrorBody) {
        _ = try Filter(json(filter))
        return nil
    } catch {
        return error
    }
}
