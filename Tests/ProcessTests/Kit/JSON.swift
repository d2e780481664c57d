import Foundation

/// JSON as Foundation sees it, at the edge of these tests.
enum JSON {
    /// The text with sorted keys: equal texts, equal values.
    static func text(_ value: Any?) -> String {
        guard let value else { return "(absent)" }
        do {
            let options: JSONSerialization.WritingOptions = [
                .sortedKeys, .fragmentsAllowed, .withoutEscapingSlashes,
            ]
            let data = try JSONSerialization.data(withJSONObject: value, options: options)
            return String(decoding: data, as: UTF8.self)
        } catch {
            return "(not JSON: \(error))"
        }
    }

    /// The value, or nil when the text is not JSON.
    static func value(_ text: String) -> Any? {
        do {
            let data = Data(text.utf8)
            return try JSONSerialization.jsonObject(with: data, options: [.fragmentsAllowed])
        } catch {
            return nil
        }
    }

    /// The object, or an empty one when the text is something else.
    static func object(_ text: String) -> [String: Any] {
        value(text) as? [String: Any] ?? [:]
    }
}
