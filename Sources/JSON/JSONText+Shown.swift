import Primitives

extension JSONText {
    /// A member as people read it; a dash where there is none.
    package func shown(_ name: String) -> String {
        guard let value = member(name), !value.isNull else { return "-" }
        return (value.stringValue ?? value.description).visible
    }
}
