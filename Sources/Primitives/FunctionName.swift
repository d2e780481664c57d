/// A function's full name: where it is registered, and the id its worker gave it.
package struct FunctionName: Hashable, Sendable, CustomStringConvertible {
    package let namespace: String
    package let id: String

    package static let defaultNamespace = "default"

    package init(namespace: String = FunctionName.defaultNamespace, id: String) {
        self.namespace = namespace
        self.id = id
    }

    /// The id, and the namespace where it is not the default one.
    package var description: String {
        namespace == FunctionName.defaultNamespace ? id : "\(id) (\(namespace))"
    }
}

extension String {
    /// Whether it has nothing but white space. Asked of every call, so that the first byte decides
    /// wherever it can.
    package var isBlank: Bool {
        guard let first = utf8.first else { return true }
        if first > 0x20, first < 0x80 { return false }
        return allSatisfy(\.isWhitespace)
    }
}
