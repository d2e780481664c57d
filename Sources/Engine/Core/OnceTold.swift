/// What is said once in a life of the engine, however often it happens; of more than a thousand
/// such things the others are never said.
struct OnceTold<Subject: Hashable> {
    private var subjects: Set<Subject> = []

    private static var most: Int { 1000 }

    /// Whether ``isFirst(_:)`` would have it said.
    func isUntold(_ subject: Subject) -> Bool {
        subjects.count < Self.most && !subjects.contains(subject)
    }

    /// - Returns: whether it is to be said now.
    mutating func isFirst(_ subject: Subject) -> Bool {
        subjects.count < Self.most && subjects.insert(subject).inserted
    }
}
