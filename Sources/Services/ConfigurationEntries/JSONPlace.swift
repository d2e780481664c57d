/// Where in a value or a schema something is. It is written out, as a JSON pointer, only when it is
/// told: names may be long, and most places are passed by.
indirect enum JSONPlace: Sendable, CustomStringConvertible {
    /// Where the pointer begins, as it is written.
    case top(String)
    case inside(JSONPlace, String)

    func inside(_ name: String) -> JSONPlace { .inside(self, name) }

    func inside(_ number: Int) -> JSONPlace { .inside(self, "\(number)") }

    var description: String {
        switch self {
        case .top(let beginning): beginning
        case .inside(let place, let name): "\(place)/\(name)"
        }
    }
}
