// What a function's value says of the response to a request (services 1, A.8): for whoever sends
// that, and for whoever tells of it.

extension JSONText {
    /// The status of the response that it means.
    package var responseStatus: Int { member("status_code")?.statusAsked ?? 200 }

    /// The status that it asks for as a `status_code`; nil: it is none, and counts as not given.
    package var statusAsked: Int? {
        guard let number = numberValue, case .integer(let status) = number,
            (100...999).contains(status)
        else { return nil }
        return Int(status)
    }
}
