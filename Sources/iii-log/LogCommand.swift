import ArgumentParser
import Primitives

/// `iii-log`: answers from the log alone, with an engine running on it or not.
struct LogCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "iii-log",
        abstract: "Reads an engine's log: what happened, to which request, and is it sound.",
        usage: "iii-log [-D <directory> | --file <segment> ... | --engine <address>] <verb> ...",
        discussion: """
            It never writes into what it reads (but for repair), takes no lock, and may look at \
            the log of a running engine. With --engine it asks that engine for its directory, and \
            reads this where it can; from elsewhere it has the engine hand out the files, which \
            all verbs take but repair, restore and show -f. The engine's token is III_TOKEN. \
            Times are UTC. Exit codes: 0 done, 2 usage, 4 no such object, 65 data damaged, 74 \
            files cannot be read or written, 75 an engine has the directory, 78 not an engine's \
            data directory, or a target that is not empty; of --engine also: 1 refused, 3 no \
            engine, 5 no answer in time, 77 not permitted; of replay --against also: 1 failed or \
            different, 3 no engine, 5 no end in time; of verify: 0 sound, 1 torn tail only, 2 \
            damaged, 3 records contradict each other, 4 unreadable.
            """,
        version: "iii-log \(Release.version)",
        subcommands: [
            ListCommand.self, ShowRecords.self, Replay.self, Verify.self, Digest.self,
            WhyKeptCommand.self,
            StatsCommand.self, ListFields.self, ListValues.self, StateCommand.self,
            QueuesCommand.self, CronCommand.self, Recover.self, RepairCommand.self, Backup.self,
            Restore.self, ExportRecords.self,
        ]
    )
}
