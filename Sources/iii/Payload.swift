import CommandLineKit
import IIISDK
import JSON

/// What a function is called with, as the command line says it.
enum Payload {
    /// The JSON text of `json` (`-` reads standard input), else the object that `pairs` make.
    static func read(json: String?, pairs: [String]) throws(Failure) -> RawJSON {
        let text = if let json { try text(of: json) } else { try object(of: pairs) }
        return RawJSON(trusted: text.bytes)
    }

    /// One value: JSON stands for itself, anything else is a string; `-` reads JSON from standard
    /// input.
    static func single(_ text: String) throws(Failure) -> JSONText {
        text == "-" ? try self.text(of: text) : try value(text)
    }

    /// Whether a word that begins with a minus is a number of JSON.
    static func isNumber(_ text: String) -> Bool {
        (try? JSONText(validating: Array(text.utf8)))?.isNumber ?? false
    }

    private static func text(of json: String) throws(Failure) -> JSONText {
        var source = Array(json.utf8)
        if json == "-" {
            guard let input = Terminal.readInput() else {
                throw Failure(.usage, code: "usage.payload", "standard input cannot be read")
            }
            source = input
        }
        do throws(JSONError) {
            return try JSONText(validating: source)
        } catch {
            throw Failure(.usage, code: "usage.payload", "the payload is not JSON: \(error)")
        }
    }

    /// Each pair is `key=value`; a value that is JSON stands for itself, any other is a string.
    private static func object(of pairs: [String]) throws(Failure) -> JSONText {
        var builder = JSONBuilder()
        var keys: Set<Substring> = []
        builder.beginObject()
        for pair in pairs {
            guard let equals = pair.firstIndex(of: "="), equals != pair.startIndex else {
                let message = "\"\(pair)\" is not of the form key=value"
                throw Failure(.usage, code: "usage.payload", message)
            }
            let key = pair[..<equals]
            guard keys.insert(key).inserted else {
                throw Failure(.usage, code: "usage.payload", "\"\(key)\" is given twice")
            }
            builder.key(String(key))
            builder.raw(try value(String(pair[pair.index(after: equals)...])))
        }
        builder.endObject()
        return builder.finish()
    }

    /// - Throws: where it is JSON, but for its depth: nobody means the text of that.
    private static func value(_ text: String) throws(Failure) -> JSONText {
        let source = Array(text.utf8)
        do throws(JSONError) {
            let value = try JSONText(validating: source)
            // What had to be trimmed or repaired was not meant as JSON: `NaN`, or ` 1`.
            if value.bytes == source { return value }
        } catch {
            if case .tooDeep = error {
                throw Failure(.usage, code: "usage.payload", "a value cannot be kept: \(error)")
            }
            // Not JSON, so it is a string.
        }
        return JSONText(string: text)
    }
}
