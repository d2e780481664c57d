import CommitLog
import LogTools

/// What a running engine tells an operator to do about a damaged log.
enum DamageAdvice {
    /// About `damages` of the log in the directory `path`.
    static func text(of damages: [Damage], in path: String) -> String {
        if let misplacement = Misplacement(of: damages, in: path) {
            return "To repair it: \(misplacement.advice)."
        }
        let backup = ToolCommand.text("recover --to DIRECTORY", on: path)
        return "Make a backup of what is intact now (`\(backup)`). \(repair(path))"
    }

    /// About a log of which some segment is named already.
    static func repair(_ path: String) -> String {
        "`\(ToolCommand.text("verify", on: path))` lists every damage; with the engine stopped, "
            + "`\(ToolCommand.text("repair", on: path))` puts the log in order."
    }
}
