PRAGMA application_id = 1095649613;
PRAGMA user_version = 2;
BEGIN TRANSACTION;
CREATE TABLE agents (
        id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, name TEXT NOT NULL UNIQUE, created REAL NOT NULL
    , standing TEXT NOT NULL DEFAULT 'active', note TEXT, template TEXT) STRICT;
INSERT INTO "agents" VALUES(1,'key00000000000000000000005','arya',1750000000.0,'active',NULL,NULL);
CREATE TABLE effects (
        turn INTEGER NOT NULL, step INTEGER NOT NULL, n INTEGER NOT NULL, key TEXT NOT NULL, call_id TEXT NOT NULL,
        tool TEXT NOT NULL, arguments TEXT NOT NULL, unparsed TEXT, class TEXT NOT NULL, decision TEXT NOT NULL,
        state TEXT NOT NULL, attempts INTEGER NOT NULL, begun REAL, finished REAL, seconds REAL NOT NULL,
        result TEXT, label TEXT, hash BLOB NOT NULL, result_hash BLOB NOT NULL,
        PRIMARY KEY (turn, step, n), FOREIGN KEY (turn, step) REFERENCES steps
    ) STRICT, WITHOUT ROWID;
INSERT INTO "effects" VALUES(1,1,1,'key-t1.1.1','c1','do_once','{"n":1,"s":"é"}',NULL,'once','allow','done',0,1001.0,1002.0,0.0,'a long text','["member",["owner","sansa"],["telegram"]]',X'8AB1F94F9542D1D4',X'6F998720A50C7D1A');
INSERT INTO "effects" VALUES(3,1,1,'key-t3.1.1','c1','do_read','{"n":1,"s":"é"}',NULL,'read','allow','intended',1,1001.0,NULL,0.0,NULL,NULL,X'FE78A6205E25D713',X'94F6D9CDD1EA8248');
INSERT INTO "effects" VALUES(3,1,2,'key-t3.1.2','c1','do_read','{"n":1,"s":"é"}',NULL,'read','allow','intended',0,NULL,NULL,0.0,NULL,NULL,X'639EC12052D13CBB',X'94F6D9CDD1EA8248');
INSERT INTO "effects" VALUES(4,1,1,'key-t4.1.1','c1','do_idempotent','{"n":1,"s":"é"}',NULL,'idempotent','allow','intended',1,1001.0,NULL,0.0,NULL,NULL,X'F436F60B1A688593',X'94F6D9CDD1EA8248');
INSERT INTO "effects" VALUES(4,1,2,'key-t4.1.2','c1','do_idempotent','{"n":1,"s":"é"}',NULL,'idempotent','allow','intended',0,NULL,NULL,0.0,NULL,NULL,X'40CDA4F106BC740A',X'94F6D9CDD1EA8248');
INSERT INTO "effects" VALUES(5,1,1,'key-t5.1.1','c1','do_once','{"n":1,"s":"é"}',NULL,'once','allow','intended',1,1001.0,NULL,0.0,NULL,NULL,X'535E015162BD86CC',X'94F6D9CDD1EA8248');
INSERT INTO "effects" VALUES(5,1,2,'key-t5.1.2','c1','do_once','{"n":1,"s":"é"}',NULL,'once','allow','intended',0,NULL,NULL,0.0,NULL,NULL,X'CB6CE9533FD754EC',X'94F6D9CDD1EA8248');
INSERT INTO "effects" VALUES(6,1,1,'key-t6.1.1','c1','do_internal','{"n":1,"s":"é"}',NULL,'internal','allow','intended',1,1001.0,NULL,0.0,NULL,NULL,X'11CF52787FCE858C',X'94F6D9CDD1EA8248');
INSERT INTO "effects" VALUES(6,1,2,'key-t6.1.2','c1','do_internal','{"n":1,"s":"é"}',NULL,'internal','allow','intended',0,NULL,NULL,0.0,NULL,NULL,X'7399E0C950E69ECB',X'94F6D9CDD1EA8248');
INSERT INTO "effects" VALUES(7,1,1,'key-t7.1.1','c1','do_once','{"n":1,"s":"é"}',NULL,'once','ask','waiting',0,NULL,NULL,0.0,NULL,NULL,X'566E83B0A00DE3C3',X'94F6D9CDD1EA8248');
CREATE TABLE events (
        id INTEGER PRIMARY KEY, agent INTEGER NOT NULL REFERENCES agents, conversation TEXT NOT NULL,
        number INTEGER NOT NULL, source TEXT NOT NULL, source_id TEXT, text TEXT NOT NULL, attachments TEXT,
        label TEXT NOT NULL, awaited INTEGER NOT NULL, state TEXT NOT NULL, time REAL NOT NULL, turn INTEGER,
        step INTEGER NOT NULL DEFAULT 1, attempts INTEGER NOT NULL DEFAULT 0, due REAL, error TEXT, hash BLOB NOT NULL
    , origin TEXT, evidence TEXT) STRICT;
INSERT INTO "events" VALUES(1,1,'cli:main',1,'cli','s1','what is this?','[["picture.png","image/png",15,"a8626d27cb132ba09adef83553c2f97237b6866ebd3a054fae183736b5de1786"]]','["member",["owner","sansa"],["telegram"]]',0,'answered',1750000000.0,1,1,1,NULL,NULL,X'6249E2D10644C126',NULL,NULL);
INSERT INTO "events" VALUES(2,1,'cli:main',2,'cli',NULL,'and quickly',NULL,'["member",["owner","sansa"],["telegram"]]',0,'answered',1750000000.0,1,2,0,NULL,NULL,X'FD4AAFD87C448309',NULL,NULL);
INSERT INTO "events" VALUES(3,1,'cli:read',1,'cli',NULL,'do the read',NULL,'["owner",["owner"],["cli"]]',0,'running',1750000000.0,3,1,1,NULL,NULL,X'D836D8CB0F6A5789',NULL,NULL);
INSERT INTO "events" VALUES(4,1,'cli:idempotent',1,'cli',NULL,'do the idempotent',NULL,'["owner",["owner"],["cli"]]',0,'running',1750000000.0,4,1,1,NULL,NULL,X'1881CA0122EA4594',NULL,NULL);
INSERT INTO "events" VALUES(5,1,'cli:once',1,'cli',NULL,'do the once',NULL,'["owner",["owner"],["cli"]]',0,'running',1750000000.0,5,1,1,NULL,NULL,X'AA266C4AAF433963',NULL,NULL);
INSERT INTO "events" VALUES(6,1,'cli:internal',1,'cli',NULL,'do the internal',NULL,'["owner",["owner"],["cli"]]',0,'running',1750000000.0,6,1,1,NULL,NULL,X'B85A1E5EBE9EB66C',NULL,NULL);
INSERT INTO "events" VALUES(7,1,'cli:wait',1,'cli',NULL,'may I?',NULL,'["owner",["owner"],["cli"]]',0,'running',1750000000.0,7,1,1,NULL,NULL,X'6C89402407AB18F1',NULL,NULL);
INSERT INTO "events" VALUES(8,1,'cli:dead',1,'cli',NULL,'break',NULL,'["owner",["owner"],["cli"]]',0,'dead',1750000000.0,8,1,1,NULL,'it broke',X'B892323B50F1BAE9',NULL,NULL);
INSERT INTO "events" VALUES(9,1,'cli:wait',2,'cli','s2','are you there?',NULL,'["owner",["owner"],["cli"]]',0,'queued',1750000000.0,NULL,1,0,NULL,NULL,X'E834606588358BE2',NULL,NULL);
CREATE TABLE leases (
        agent INTEGER PRIMARY KEY REFERENCES agents, epoch INTEGER NOT NULL, owner TEXT NOT NULL, since REAL NOT NULL
    ) STRICT;
INSERT INTO "leases" VALUES(1,1,'process 22279',1750000000.0);
CREATE TABLE occurrences (
        agent INTEGER NOT NULL REFERENCES agents, due REAL NOT NULL, outcome TEXT NOT NULL, note TEXT NOT NULL,
        event INTEGER, PRIMARY KEY (agent, due)
    ) STRICT, WITHOUT ROWID;
CREATE TABLE outbox (
        turn INTEGER NOT NULL REFERENCES turns, n INTEGER NOT NULL, state TEXT NOT NULL, time REAL NOT NULL, sent REAL,
        PRIMARY KEY (turn, n)
    ) STRICT, WITHOUT ROWID;
INSERT INTO "outbox" VALUES(1,0,'queued',1003.0,NULL);
CREATE TABLE schedules (
        agent INTEGER PRIMARY KEY REFERENCES agents, every REAL NOT NULL, due REAL NOT NULL
    ) STRICT;
CREATE TABLE settings (name TEXT PRIMARY KEY, text TEXT NOT NULL, time REAL NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE steps (
        turn INTEGER NOT NULL REFERENCES turns, n INTEGER NOT NULL, kind TEXT NOT NULL, model TEXT NOT NULL,
        text TEXT NOT NULL, reasoning TEXT, stop TEXT NOT NULL, input INTEGER NOT NULL, output INTEGER NOT NULL,
        cached INTEGER NOT NULL, dollars REAL, context TEXT NOT NULL, recipe TEXT NOT NULL, time REAL NOT NULL,
        seconds REAL NOT NULL, hash BLOB NOT NULL, PRIMARY KEY (turn, n)
    ) STRICT, WITHOUT ROWID;
INSERT INTO "steps" VALUES(1,1,'think','test/model','I look.',NULL,'end',10,3,2,0.25,'hash','',1001.0,0.25,X'843137F8611DC3B5');
INSERT INTO "steps" VALUES(1,2,'think','test/model','A picture.',NULL,'end',10,3,2,0.25,'hash','',1002.0,0.25,X'84F2DB85FA6EE29E');
INSERT INTO "steps" VALUES(3,1,'think','test/model','',NULL,'end',10,3,2,0.25,'hash','',1001.0,0.25,X'FAE22FF6C457E600');
INSERT INTO "steps" VALUES(4,1,'think','test/model','',NULL,'end',10,3,2,0.25,'hash','',1001.0,0.25,X'FAE22FF6C457E600');
INSERT INTO "steps" VALUES(5,1,'think','test/model','',NULL,'end',10,3,2,0.25,'hash','',1001.0,0.25,X'FAE22FF6C457E600');
INSERT INTO "steps" VALUES(6,1,'think','test/model','',NULL,'end',10,3,2,0.25,'hash','',1001.0,0.25,X'FAE22FF6C457E600');
INSERT INTO "steps" VALUES(7,1,'think','test/model','',NULL,'end',10,3,2,0.25,'hash','',1001.0,0.25,X'FAE22FF6C457E600');
CREATE TABLE turns (
        id INTEGER PRIMARY KEY REFERENCES events, agent INTEGER NOT NULL, conversation TEXT NOT NULL,
        state TEXT NOT NULL, opened REAL NOT NULL, closed REAL,
        notice TEXT NOT NULL DEFAULT '', limited TEXT, error TEXT
    ) STRICT;
INSERT INTO "turns" VALUES(1,1,'cli:main','closed',1000.0,1003.0,'',NULL,NULL);
INSERT INTO "turns" VALUES(3,1,'cli:read','open',1000.0,NULL,'',NULL,NULL);
INSERT INTO "turns" VALUES(4,1,'cli:idempotent','open',1000.0,NULL,'',NULL,NULL);
INSERT INTO "turns" VALUES(5,1,'cli:once','open',1000.0,NULL,'',NULL,NULL);
INSERT INTO "turns" VALUES(6,1,'cli:internal','open',1000.0,NULL,'',NULL,NULL);
INSERT INTO "turns" VALUES(7,1,'cli:wait','open',1000.0,NULL,'',NULL,NULL);
INSERT INTO "turns" VALUES(8,1,'cli:dead','failed',1750000000.0,1750000000.0,'',NULL,'it broke');
CREATE UNIQUE INDEX events_lane ON events (agent, conversation, number);
CREATE UNIQUE INDEX events_source ON events (agent, source, source_id) WHERE source_id IS NOT NULL;
CREATE INDEX events_pending ON events (agent, conversation, number)
        WHERE state IN ('queued', 'running', 'waiting');
CREATE INDEX events_folded ON events (turn) WHERE step > 1;
CREATE INDEX effects_unknown ON effects (turn) WHERE state = 'unknown';
CREATE INDEX agents_resting ON agents (name) WHERE standing != 'active';
CREATE INDEX events_dead ON events (agent) WHERE state = 'dead';
COMMIT;
