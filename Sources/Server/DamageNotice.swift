import CommitLog
import Engine

extension Notice {
    /// That a segment of the log in the directory `data` is damaged, whoever came upon it: where,
    /// what is lost by it, and what to do. `more` is what comes of it beside that, in sentences.
    static func damage(
        _ damages: [Damage],
        of segment: UInt64,
        in data: String,
        more: String = ""
    ) -> Notice {
        let places = damages.prefix(8).map { "\n  \($0)" }.joined()
        let rest = damages.count > 8 ? "\n  and \(damages.count - 8) more" : ""
        let text =
            "segment \(segment) is damaged on disk, and the engine goes on without what is lost:"
            + places + rest
            + "\n\(more)Nothing was changed. \(DamageAdvice.text(of: damages, in: data))"
        return Notice(severity: .error, paragraph: text)
    }
}
