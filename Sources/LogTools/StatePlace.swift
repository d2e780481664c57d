import Primitives

/// Where a value of the state is: by bytes, as the state itself tells keys apart.
struct StatePlace: Hashable {
    let scope: Name
    let key: Name

    init(_ scope: String, _ key: String) {
        self.scope = Name(scope)
        self.key = Name(key)
    }
}
