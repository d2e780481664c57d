package import CommitLog
import Disk

/// Files that are not where they belong: segments under each other's names, or another log's
/// MANIFEST. Nothing of the log is lost, and nothing but their places is to be put in order: a
/// repair would give up what is in them.
package struct Misplacement: Equatable, Sendable {
    /// The data directory.
    private let path: String
    private let fault: Fault

    private enum Fault: Equatable {
        case manifest
        /// Which file is to get which name.
        case names([String])
    }

    /// Nil where every file is in its own place.
    package init?(of damages: [Damage], in path: String) {
        let steps = damages.compactMap { damage -> String? in
            guard case .misnamed(let number) = damage.reason else { return nil }
            let name = DataDirectory.segmentName(damage.segment)
            return "log/\(name) to \(DataDirectory.segmentName(number))"
        }
        if damages.contains(where: { $0.reason == .foreignManifest }) {
            fault = .manifest
        } else if !steps.isEmpty {
            fault = .names(steps)
        } else {
            return nil
        }
        self.path = path
    }

    var error: ToolError {
        let what =
            switch fault {
            case .manifest: "MANIFEST is that of another log, and the segments"
            case .names: "segments have the names of others, and what is in them"
            }
        return ToolError(
            .damaged,
            "\(what) would be given up; nothing was written: \(advice)"
        )
    }

    /// What is to be done.
    package var advice: String {
        let place = ToolCommand.quoted(path)
        let step =
            switch fault {
            case .manifest:
                "move \(place)/MANIFEST away: the next start makes it anew from the segments"
            case .names(let steps):
                "rename \(steps.joined(separator: ", ")) (two that have each other's names by way "
                    + "of a third name)"
            }
        return "with no engine running, \(step); `iii-log --file \(place)/log/*.seg recover --to "
            + "DIRECTORY` goes by what is in the files"
    }
}
