import CommitLog
import Disk

/// Segments under each other's names: nothing of them is lost, and nothing but their names is to be
/// put in order.
struct Renaming: Equatable, Sendable {
    /// The data directory.
    private let path: String
    /// Which file is to get which name.
    private let steps: [String]

    /// Nil where every file has its own name.
    init?(of damages: [Damage], in path: String) {
        steps = damages.compactMap { damage in
            guard case .misnamed(let number) = damage.reason else { return nil }
            let name = DataDirectory.segmentName(damage.segment)
            return "log/\(name) to \(DataDirectory.segmentName(number))"
        }
        if steps.isEmpty { return nil }
        self.path = path
    }

    var error: ToolError {
        ToolError(
            .damaged,
            "segments have the names of others, and what is in them would be given up; nothing was "
                + "written: \(advice)"
        )
    }

    /// What is to be done.
    var advice: String {
        "with no engine running, rename \(steps.joined(separator: ", ")) (two that have each "
            + "other's names by way of a third name); `iii-log --file \(path)/log/*.seg recover "
            + "--to DIRECTORY` goes by what is in the files"
    }
}
