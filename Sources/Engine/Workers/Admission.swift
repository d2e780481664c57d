import AccessControl
import JSON
import Primitives

/// A socket that asks to be let in, by the edge that holds it.
package struct AdmissionID: Hashable, Comparable, Sendable {
    package let loop: Int
    package let number: UInt64

    package init(loop: Int, number: UInt64) {
        self.loop = loop
        self.number = number
    }

    package static func < (left: AdmissionID, right: AdmissionID) -> Bool {
        (left.loop, left.number) < (right.loop, right.number)
    }
}

/// What a socket's opening handshake said: the input of an auth function (protocol 9.2).
package struct Admission: Sendable {
    /// Which of the engine's listeners it came to.
    package var listener: Int
    /// Names in lower case; of a repeated one all values, with commas between.
    package var headers: [(name: String, value: String)]
    /// As sent, without the question mark.
    package var query: String?
    /// The peer's IP address, without port.
    package var address: String

    package init(
        listener: Int,
        headers: [(name: String, value: String)],
        query: String?,
        address: String
    ) {
        self.listener = listener
        self.headers = headers
        self.query = query
        self.address = address
    }

    /// `{"headers":{…},"query_params":{name:[…]},"ip_address":"…"}`, values as they were sent.
    var input: JSONText {
        let named = JSONObject(headers: headers)
        let parameters = JSONObject(query: query)
        return JSONValue.object([
            "headers": .object(named), "query_params": .object(parameters),
            "ip_address": .string(address),
        ]).text
    }
}

/// A socket that an auth function is asked about, or waited for.
struct PendingAdmission {
    let function: FunctionName
    let rules: AccessRules
    /// What the function is asked.
    let input: [UInt8]
    /// Nobody serves the function: it is asked when somebody does.
    var isWaiting = false
    /// How many workers have gone that were asked.
    private var losses = 0

    init(function: FunctionName, rules: AccessRules, input: [UInt8]) {
        self.function = function
        self.rules = rules
        self.input = input
    }

    /// Nobody has answered `run`. Whether somebody else may be asked: if workers go whenever they
    /// are, that may be what ends them.
    mutating func mayLose(_ run: Run) -> Bool {
        if run.invocation != nil { losses += 1 }
        return losses < Limits.admissionLosses
    }
}
