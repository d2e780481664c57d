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
