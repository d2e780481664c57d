import JSON

// What a socket's opening handshake said, as auth functions get it (protocol 9.2; services 1, D.4).

extension JSONObject {
    /// Each name with its value; of a repeated one all values, with commas between.
    init(headers: [(name: String, value: String)]) {
        self.init()
        for header in headers {
            if case .string(let earlier)? = self[header.name] {
                self[header.name] = .string("\(earlier), \(header.value)")
            } else {
                self[header.name] = .string(header.value)
            }
        }
    }

    /// Each name with all its values, as they were sent; a parameter without a name has the empty
    /// one.
    init(query: String?) {
        self.init()
        for pair in (query ?? "").split(separator: "&") {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let name = String(parts[0])
            let value = JSONValue.string(parts.count == 2 ? String(parts[1]) : "")
            withValue(of: name, default: .array([])) { values in
                guard case .array(var list) = values else { return }
                // Or to append would copy all that there are.
                values = .null
                list.append(value)
                values = .array(list)
            }
        }
    }
}
